using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Oaep;

/// <summary>
/// RSAES-OAEP (RFC 8017, 7.1) with one hash, which MGF1 uses too, and without a label: whoever has the public key can encrypt with any
/// library. SHA-1 is for those that have nothing else; OAEP does not need its collision resistance.
/// </summary>
internal sealed record RsaOaepScheme : EncryptionScheme
{
    /// <summary>Every one, the default first.</summary>
    public static readonly RsaOaepScheme[] All =
    [
        new("RSAES_OAEP_SHA_256", 0x40, SHA256.HashSizeInBytes, RSAEncryptionPadding.OaepSHA256),
        new("RSAES_OAEP_SHA_1", 0x41, SHA1.HashSizeInBytes, RSAEncryptionPadding.OaepSHA1),
    ];

    private RsaOaepScheme(string name, byte id, int hashLength, RSAEncryptionPadding padding)
        : base(name, id) => (HashLength, Padding) = (hashLength, padding);

    /// <summary>Length of the hash in bytes.</summary>
    public int HashLength { get; }

    /// <summary>The padding.</summary>
    public RSAEncryptionPadding Padding { get; }

    /// <summary>The length of the longest plaintext in bytes.</summary>
    /// <param name="modulusLength">Length of the modulus in bytes.</param>
    public int MaxPlaintextLength(int modulusLength) => modulusLength - (2 * HashLength) - 2;
}
