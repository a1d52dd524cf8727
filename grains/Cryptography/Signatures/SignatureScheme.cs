using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>One way to sign with a key, by its name in the API, for example <c>RSASSA_PSS_SHA_256</c>.</summary>
/// <param name="Name">The name.</param>
public record SignatureScheme(string Name) : IScheme
{
    /// <summary>The hash of messages; null where the algorithm signs the message itself.</summary>
    public HashAlgorithmName? Hash { get; init; }

    /// <summary>Length of that hash in bytes; 0 where there is none.</summary>
    public int DigestLength { get; init; }

    /// <summary>Whether its signatures have two encodings (ECDSA).</summary>
    public bool HasEncodings { get; init; }

    /// <summary>Whether a context can be signed with the message (FIPS 204 and 205).</summary>
    public bool HasContext { get; init; }

    /// <summary>A scheme that signs a SHA-2 hash.</summary>
    /// <param name="name">The name.</param>
    /// <param name="bits">256, 384 or 512.</param>
    internal static SignatureScheme OfSha2(string name, int bits) => new(name)
    {
        Hash = new HashAlgorithmName($"SHA{bits}"),
        DigestLength = bits / 8,
    };
}
