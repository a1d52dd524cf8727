namespace OrleansKms;

/// <summary>The immutable facts of a key that policies look at.</summary>
/// <param name="Spec">The key spec, for example <c>AES_256_GCM</c>.</param>
/// <param name="Protection">Where the material lives.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyFacts")]
public sealed record KeyFacts([property: Id(0)] string Spec, [property: Id(1)] KeyProtection Protection);
