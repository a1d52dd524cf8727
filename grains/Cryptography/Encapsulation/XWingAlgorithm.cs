using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>
/// X-Wing (draft-connolly-cfrg-xwing-kem, the bytes of which are the same since 06): ML-KEM-768 and X25519 together, so that a secret is safe as long as either is. A private key
/// is a seed of 32 bytes; a public key that of ML-KEM and then that of X25519, and so a ciphertext.
/// </summary>
/// <remarks>
/// Only the combination is ours (<see cref="XWingKey"/>): ML-KEM, X25519 and the hashes are those of the platform or of BouncyCastle. As the draft
/// has it, a point of X25519 of low order is not refused: the secret is then as good as ML-KEM's.
/// </remarks>
public sealed class XWingAlgorithm : KemAlgorithm
{
    private const int SeedLength = 32;
    private const int PointLength = X25519.PointSize;
    private const string Oid = "1.3.6.1.4.1.62253.25722";

    private readonly MlKemAlgorithm _mlKem;
    private readonly bool _usesPlatformHashes;

    private XWingAlgorithm(MlKemAlgorithm mlKem, bool usesPlatformHashes)
        : base(Oid, SeedLength, mlKem.PublicKeyLength + PointLength, mlKem.CiphertextLength + PointLength, inner: null)
    {
        _mlKem = mlKem;
        _usesPlatformHashes = usesPlatformHashes;
    }

    /// <summary>The algorithm.</summary>
    public static XWingAlgorithm Instance { get; } = new(MlKemAlgorithm.Of768, Shake256.IsSupported && SHA3_256.IsSupported);

    /// <inheritdoc/>
    public override string Spec => "X_WING";

    /// <summary>The algorithm on certain implementations, for tests over all.</summary>
    internal static XWingAlgorithm On(MlKemAlgorithm mlKem768, bool platformHashes) => new(mlKem768, platformHashes);

    internal override void PublicOf(ReadOnlySpan<byte> seed, Span<byte> publicKey)
    {
        Span<byte> expanded = stackalloc byte[MlKemAlgorithm.SeedLength + X25519.ScalarSize];
        Expand(seed, expanded);
        _mlKem.PublicOf(expanded[..MlKemAlgorithm.SeedLength], publicKey[..^PointLength]);
        X25519.ScalarMultBase(expanded[MlKemAlgorithm.SeedLength..], publicKey[^PointLength..]);
        CryptographicOperations.ZeroMemory(expanded);
    }

    internal override KemKey OpenPrivate(ReadOnlySpan<byte> seed)
    {
        Span<byte> expanded = stackalloc byte[MlKemAlgorithm.SeedLength + X25519.ScalarSize];
        Expand(seed, expanded);
        try
        {
            return XWingKey.Private(
                _mlKem.OpenPrivate(expanded[..MlKemAlgorithm.SeedLength]), expanded[MlKemAlgorithm.SeedLength..], _usesPlatformHashes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(expanded);
        }
    }

    internal override KemKey OpenPublic(ReadOnlySpan<byte> key) => OpenPublic(key, RandomNumberGenerator.Fill);

    /// <summary>Opens a public key with randomness of one's own: first that of ML-KEM, then that of X25519, as the draft's vectors have it.</summary>
    internal KemKey OpenPublic(ReadOnlySpan<byte> key, RandomFill random) =>
        XWingKey.Public(_mlKem.OpenPublic(key[..^PointLength], random), key[^PointLength..], random, _usesPlatformHashes);

    private void Expand(ReadOnlySpan<byte> seed, Span<byte> expanded)
    {
        if (_usesPlatformHashes)
        {
            Shake256.HashData(seed, expanded);
            return;
        }

        var shake = new ShakeDigest(256);
        shake.BlockUpdate(seed);
        shake.OutputFinal(expanded);
    }
}
