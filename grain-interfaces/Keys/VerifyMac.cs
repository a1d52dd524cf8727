namespace OrleansKms;

/// <summary>Verifies a MAC.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Item">The MAC, and what it is of.</param>
[GenerateSerializer, Immutable, Alias("okms.VerifyMac")]
public sealed record VerifyMac([property: Id(0)] Caller Caller, [property: Id(1)] VerifyMacItem Item) : ICallerRequest
{
    /// <summary>How long the caller waits; null for the default time-out of a request. Versions are not tried after that: the error is then <c>timeout</c>.</summary>
    [Id(2)] public TimeSpan? Within { get; init; }
}
