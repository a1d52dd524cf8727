namespace OrleansKms;

/// <summary>A ciphertext and the version that made it.</summary>
/// <param name="KeyVersion">The version.</param>
/// <param name="Ciphertext">The self-describing ciphertext; see FORMAT.md.</param>
[GenerateSerializer, Immutable, Alias("okms.Encrypted")]
public sealed record Encrypted([property: Id(0)] int KeyVersion, [property: Id(1)] byte[] Ciphertext);
