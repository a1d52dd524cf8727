namespace OrleansKms.Grains.Storage;

/// <summary>
/// The service must not start like this. The message is one line for the operator: what is wrong, where, and what to do. The
/// host prints it and nothing else.
/// </summary>
public sealed class StartRefusedException(string message, Exception? innerException = null)
    : Exception(message.ReplaceLineEndings(" "), innerException);
