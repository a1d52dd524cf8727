namespace OrleansKms.Gateway.Hosting;

/// <summary>The program was called with arguments that it does not know.</summary>
/// <param name="message">One line that says what is wrong and what there is.</param>
internal sealed class UsageException(string message) : StartRefusedException(message);
