namespace OrleansKms.Silo.Commands;

/// <summary>The program was called with unknown arguments.</summary>
/// <param name="message">One line that says what is wrong and what is available.</param>
internal sealed class UsageException(string message) : StartRefusedException(message);
