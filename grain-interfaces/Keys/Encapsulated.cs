namespace OrleansKms;

/// <summary>A secret that was just made, and what the key finds it by.</summary>
/// <param name="KeyVersion">The version that it was made for: to be named when it is decapsulated.</param>
/// <param name="SharedSecret">The secret.</param>
/// <param name="Ciphertext">The encapsulated secret.</param>
[GenerateSerializer, Immutable, Alias("okms.Encapsulated")]
public sealed record Encapsulated([property: Id(0)] int KeyVersion, [property: Id(1)] byte[] SharedSecret, [property: Id(2)] byte[] Ciphertext)
{
    /// <summary>Names the version, never the secret.</summary>
    public override string ToString() => $"{nameof(Encapsulated)} {{ KeyVersion = {KeyVersion} }}";
}
