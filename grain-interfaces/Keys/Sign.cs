namespace OrleansKms;

/// <summary>Signs with the primary version.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Item">What is signed, and how.</param>
[GenerateSerializer, Immutable, Alias("okms.Sign")]
public sealed record Sign([property: Id(0)] Caller Caller, [property: Id(1)] SignItem Item) : ICallerRequest;
