namespace OrleansKms;

/// <summary>
/// A message to a grain that names its caller. One without a caller is refused with <c>invalid_request</c> before anything
/// happens.
/// </summary>
public interface ICallerRequest
{
    /// <summary>The caller.</summary>
    Caller Caller { get; }
}

/// <summary>A grain that callers can name freely: one with nothing stored does not stay in memory.</summary>
internal interface IMayBeAbsent
{
    /// <summary>Ends the activation if nothing is stored for it.</summary>
    void EndIfAbsent();
}
