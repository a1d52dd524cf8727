using System.Formats.Asn1;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>
/// A key spec that encapsulates. A private key is a seed, from which the whole key is expanded: it is always consistent, so there is no
/// expanded key whose hash would have to be checked (FIPS 203, 7.3). PKCS#8 is around the seed, SubjectPublicKeyInfo around the public key.
/// </summary>
public abstract class KemAlgorithm : KeyAlgorithm
{
    private static readonly KeyUsage[] _usages = [KeyUsage.Encapsulate];

    private readonly FixedDer _private;
    private readonly FixedDer _public;

    private protected KemAlgorithm(string oid, int seedLength, int publicLength, int ciphertextLength, Asn1Tag? inner)
    {
        _private = FixedDer.PrivateKeyInfo(oid, seedLength, inner);
        _public = FixedDer.PublicKeyInfo(oid, publicLength);
        CiphertextLength = ciphertextLength;
    }

    /// <summary>Length of a ciphertext in bytes.</summary>
    public int CiphertextLength { get; }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <inheritdoc/>
    public sealed override int SinceLevel(KeyUsage usage) => 6;

    /// <inheritdoc/>
    public sealed override UsageLimit Limit => UsageLimit.None;

    /// <summary>No: there is no count to keep, and others know the old public key.</summary>
    public sealed override bool RotatesAfterRestore => false;

    /// <inheritdoc/>
    public sealed override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default)
    {
        var material = new SecretBytes(_private.Length);
        RandomNumberGenerator.Fill(_private.Begin(material.Span));
        return new(material);
    }

    /// <inheritdoc/>
    public sealed override bool Accepts(ReadOnlySpan<byte> material) => _private.Fits(material);

    /// <inheritdoc/>
    public sealed override byte[]? PublicPart(ReadOnlySpan<byte> material)
    {
        var part = new byte[_public.Length];
        PublicOf(_private.KeyIn(material), _public.Begin(part));
        return part;
    }

    /// <inheritdoc/>
    public sealed override IKeyVersion? OpenPublic(KeyUsage usage, int version, ReadOnlySpan<byte> publicPart)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        if (!Usages.Contains(usage))
        {
            throw new ArgumentException($"A key of {Spec} cannot have this usage.", nameof(usage));
        }

        return _public.Fits(publicPart)
            ? new EncapsulatingVersion(version, CiphertextLength, OpenPublic(_public.KeyIn(publicPart)))
            : throw new CryptographicException($"This is not a public key of {Spec}.");
    }

    /// <summary>Computes the public key of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="publicKey">Receives the public key.</param>
    internal abstract void PublicOf(ReadOnlySpan<byte> seed, Span<byte> publicKey);

    /// <summary>Expands a private key.</summary>
    /// <param name="seed">The seed; do not keep it.</param>
    internal abstract KemKey OpenPrivate(ReadOnlySpan<byte> seed);

    /// <summary>Opens a public key.</summary>
    /// <param name="key">A string of its length.</param>
    /// <exception cref="CryptographicException">It is none: FIPS 203, 7.2 requires its numbers to be below the modulus.</exception>
    internal abstract KemKey OpenPublic(ReadOnlySpan<byte> key);

    private protected sealed override bool AcceptsPublic(ReadOnlySpan<byte> publicKey)
    {
        try
        {
            using var opened = _public.Fits(publicKey) ? OpenPublic(_public.KeyIn(publicKey)) : null;
            return opened is not null;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return false;
        }
    }

    private protected sealed override IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        new DecapsulatingVersion(version, CiphertextLength, OpenPrivate(_private.KeyIn(material)));
}
