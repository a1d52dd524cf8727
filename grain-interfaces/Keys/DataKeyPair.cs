namespace OrleansKms;

/// <summary>A data key pair.</summary>
/// <param name="KeyVersion">The version that encrypted the private key.</param>
/// <param name="PublicKey">The public key (SubjectPublicKeyInfo, DER; RFC 5280, 4.1).</param>
/// <param name="PrivateKey">The private key in the clear (PKCS#8, DER; RFC 5958), or null when it was not requested.</param>
/// <param name="Ciphertext">
/// The encrypted private key; decrypting it returns the same PKCS#8 and the kind <see cref="CiphertextKind.DataKeyPair"/>.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.DataKeyPair")]
public sealed record DataKeyPair(
    [property: Id(0)] int KeyVersion,
    [property: Id(1)] byte[] PublicKey,
    [property: Id(2)] byte[]? PrivateKey,
    [property: Id(3)] byte[] Ciphertext)
{
    /// <summary>Names the version, never the private key.</summary>
    public override string ToString() => $"DataKeyPair {{ KeyVersion = {KeyVersion} }}";
}
