namespace OrleansKms;

/// <summary>The immutable facts of a key that policies look at.</summary>
/// <param name="Spec">The key spec, for example <c>AES_256_GCM</c>.</param>
/// <param name="Protection">Where the material lives.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyFacts")]
public sealed record KeyFacts([property: Id(0)] string Spec, [property: Id(1)] KeyProtection Protection)
{
    /// <summary>What the key may be used for; null from a silo of an older version.</summary>
    [Id(2)] public KeyUsage? Usage { get; init; }
}
