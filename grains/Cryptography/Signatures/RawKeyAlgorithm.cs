using System.Formats.Asn1;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A signature spec whose private and public keys are strings of one length, in PKCS#8 and SubjectPublicKeyInfo around them.</summary>
public abstract class RawKeyAlgorithm : SignatureAlgorithm
{
    private readonly FixedDer _private;
    private readonly FixedDer _public;

    private protected RawKeyAlgorithm(string oid, int privateLength, int publicLength, Asn1Tag? inner)
    {
        _private = FixedDer.PrivateKeyInfo(oid, privateLength, inner);
        _public = FixedDer.PublicKeyInfo(oid, publicLength);
    }

    /// <inheritdoc/>
    public sealed override bool Accepts(ReadOnlySpan<byte> material) => _private.Fits(material) && AcceptsKey(_private.KeyIn(material));

    /// <inheritdoc/>
    public sealed override byte[]? PublicPart(ReadOnlySpan<byte> material)
    {
        var info = new byte[_public.Length];
        PublicOf(_private.KeyIn(material), _public.Begin(info));
        return info;
    }

    /// <inheritdoc/>
    public sealed override PublicJwk? JwkOf(ReadOnlySpan<byte> publicPart) => JwkOfKey(KeyIn(publicPart).ToArray());

    /// <summary>The public part (SubjectPublicKeyInfo, DER) of a public key.</summary>
    /// <param name="key">The key; exactly as long as one of the spec.</param>
    internal byte[] PublicInfo(ReadOnlySpan<byte> key)
    {
        var info = new byte[_public.Length];
        key.CopyTo(_public.Begin(info));
        return info;
    }

    /// <summary>Makes material in which the private key is still to be written.</summary>
    /// <param name="key">Its place.</param>
    private protected SecretBytes BeginMaterial(out Span<byte> key)
    {
        var material = new SecretBytes(_private.Length);
        key = _private.Begin(material.Span);
        return material;
    }

    private protected sealed override SignatureKey OpenPrivateKey(ReadOnlySpan<byte> material) => OpenPrivate(_private.KeyIn(material));

    private protected sealed override SignatureKey OpenPublicKey(ReadOnlySpan<byte> publicPart) => OpenPublic(KeyIn(publicPart));

    /// <summary>Whether a string of the right length is a private key.</summary>
    private protected virtual bool AcceptsKey(ReadOnlySpan<byte> key) => true;

    /// <summary>The public key as a JSON Web Key.</summary>
    private protected abstract PublicJwk? JwkOfKey(byte[] key);

    /// <summary>Computes the public key.</summary>
    private protected abstract void PublicOf(ReadOnlySpan<byte> privateKey, Span<byte> publicKey);

    /// <summary>Opens a private key.</summary>
    private protected abstract SignatureKey OpenPrivate(ReadOnlySpan<byte> key);

    /// <summary>Opens a public key.</summary>
    /// <exception cref="CryptographicException">It is none.</exception>
    private protected abstract SignatureKey OpenPublic(ReadOnlySpan<byte> key);

    private ReadOnlySpan<byte> KeyIn(ReadOnlySpan<byte> publicPart) => _public.Fits(publicPart)
        ? _public.KeyIn(publicPart)
        : throw new CryptographicException($"This is not a public key of {Spec}.");
}
