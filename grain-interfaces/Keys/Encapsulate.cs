namespace OrleansKms;

/// <summary>Makes a secret and encapsulates it for a key's primary version.</summary>
/// <param name="Caller">The caller.</param>
[GenerateSerializer, Immutable, Alias("okms.Encapsulate")]
public sealed record Encapsulate([property: Id(0)] Caller Caller) : ICallerRequest;
