namespace OrleansKms;

/// <summary>A message to a grain that says who asks. One that does not is refused with <c>invalid_request</c> before anything happens.</summary>
public interface ICallerRequest
{
    /// <summary>Who asks.</summary>
    Caller Caller { get; }
}

/// <summary>A grain of which callers can name any: one that holds nothing does not stay in memory.</summary>
internal interface IMayBeAbsent
{
    /// <summary>Ends the activation if there is nothing that it stands for.</summary>
    void EndIfAbsent();
}
