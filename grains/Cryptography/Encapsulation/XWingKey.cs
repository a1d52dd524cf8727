using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>A key of X-Wing: one of ML-KEM-768 and one of X25519, whose secrets it combines (draft-connolly-cfrg-xwing-kem, "Combiner").</summary>
internal sealed class XWingKey : KemKey
{
    private const int PointLength = X25519.PointSize;

    private readonly KemKey _mlKem;
    private readonly SecretBytes? _scalar;
    private readonly byte[] _point;
    private readonly RandomFill _random;
    private readonly bool _usesPlatformHashes;

    private XWingKey(KemKey mlKem, SecretBytes? scalar, byte[] point, RandomFill random, bool usesPlatformHashes) =>
        (_mlKem, _scalar, _point, _random, _usesPlatformHashes) = (mlKem, scalar, point, random, usesPlatformHashes);

    private static ReadOnlySpan<byte> Label => [0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c];

    /// <summary>A private key.</summary>
    /// <param name="mlKem">That of ML-KEM-768, which this disposes.</param>
    /// <param name="scalar">That of X25519; it is copied.</param>
    /// <param name="usesPlatformHashes">Whether the hash is the platform's, instead of BouncyCastle's.</param>
    public static XWingKey Private(KemKey mlKem, ReadOnlySpan<byte> scalar, bool usesPlatformHashes)
    {
        var point = new byte[PointLength];
        X25519.ScalarMultBase(scalar, point);
        return new(mlKem, SecretBytes.CopyOf(scalar), point, RandomNumberGenerator.Fill, usesPlatformHashes);
    }

    /// <summary>A public key.</summary>
    /// <param name="mlKem">That of ML-KEM-768, which this disposes.</param>
    /// <param name="point">That of X25519.</param>
    /// <param name="random">Where ephemeral keys of X25519 come from.</param>
    /// <param name="usesPlatformHashes">As for <see cref="Private"/>.</param>
    public static XWingKey Public(KemKey mlKem, ReadOnlySpan<byte> point, RandomFill random, bool usesPlatformHashes) =>
        new(mlKem, null, point.ToArray(), random, usesPlatformHashes);

    /// <inheritdoc/>
    public override void Encapsulate(Span<byte> ciphertext, Span<byte> secret)
    {
        Span<byte> secrets = stackalloc byte[SecretLength + PointLength];
        Span<byte> ephemeral = stackalloc byte[X25519.ScalarSize];
        var theirs = ciphertext[^PointLength..];
        _mlKem.Encapsulate(ciphertext[..^PointLength], secrets[..SecretLength]);
        _random(ephemeral);
        X25519.ScalarMultBase(ephemeral, theirs);
        X25519.ScalarMult(ephemeral, _point, secrets[SecretLength..]);
        CryptographicOperations.ZeroMemory(ephemeral);
        Combine(secrets, theirs, secret);
    }

    /// <inheritdoc/>
    public override void Decapsulate(ReadOnlySpan<byte> ciphertext, Span<byte> secret)
    {
        var scalar = _scalar ?? throw new NotSupportedException("internal error: a public key cannot decapsulate.");
        Span<byte> secrets = stackalloc byte[SecretLength + PointLength];
        var theirs = ciphertext[^PointLength..];
        _mlKem.Decapsulate(ciphertext[..^PointLength], secrets[..SecretLength]);
        X25519.ScalarMult(scalar.Span, theirs, secrets[SecretLength..]);
        Combine(secrets, theirs, secret);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _mlKem.Dispose();
        _scalar?.Dispose();
    }

    /// <summary>The combiner.</summary>
    /// <param name="secrets">Those of ML-KEM and of X25519; zeroed.</param>
    /// <param name="theirs">The ciphertext's part of X25519.</param>
    /// <param name="secret">Receives the secret.</param>
    private void Combine(Span<byte> secrets, ReadOnlySpan<byte> theirs, Span<byte> secret)
    {
        Span<byte> hashed = stackalloc byte[SecretLength + (3 * PointLength) + 6];
        secrets.CopyTo(hashed);
        theirs.CopyTo(hashed[secrets.Length..]);
        _point.CopyTo(hashed[(secrets.Length + PointLength)..]);
        Label.CopyTo(hashed[^Label.Length..]);
        if (_usesPlatformHashes)
        {
            SHA3_256.HashData(hashed, secret);
        }
        else
        {
            var hash = new Sha3Digest(256);
            hash.BlockUpdate(hashed);
            hash.DoFinal(secret);
        }

        CryptographicOperations.ZeroMemory(secrets);
        CryptographicOperations.ZeroMemory(hashed);
    }
}
