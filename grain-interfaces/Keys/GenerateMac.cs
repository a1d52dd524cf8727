namespace OrleansKms;

/// <summary>Makes the MAC of a message with the primary version.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Item">The message.</param>
[GenerateSerializer, Immutable, Alias("okms.GenerateMac")]
public sealed record GenerateMac([property: Id(0)] Caller Caller, [property: Id(1)] MacItem Item) : ICallerRequest;
