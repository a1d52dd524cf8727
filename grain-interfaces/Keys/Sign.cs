namespace OrleansKms;

/// <summary>Signs with the primary version.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Item">What is signed, and how.</param>
[GenerateSerializer, Immutable, Alias("okms.Sign")]
public sealed record Sign([property: Id(0)] Caller Caller, [property: Id(1)] SignItem Item) : ICallerRequest
{
    /// <summary>How long the caller waits; null for the default time-out of a request. A signature that takes long (SLH-DSA) is not begun after that: the error is then <c>timeout</c>.</summary>
    [Id(2)] public TimeSpan? Within { get; init; }
}
