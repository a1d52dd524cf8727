namespace OrleansKms;

/// <summary>
/// A process must not start like this. The message is one line for the operator: what is wrong, where, and what to do. The host
/// prints only that.
/// </summary>
/// <param name="message">The line; never a secret.</param>
/// <param name="innerException">The cause, for the log.</param>
public class StartRefusedException(string message, Exception? innerException = null)
    : Exception(message.ReplaceLineEndings(" "), innerException)
{
    /// <summary>
    /// Whether restarting does harm until an operator has fixed it, as with a PIN that its token locks after some tries.
    /// </summary>
    public bool IsForGood { get; init; }
}
