using System.Formats.Asn1;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A signature spec whose private and public keys are strings of one length, in PKCS#8 and SubjectPublicKeyInfo around them.</summary>
public abstract class RawKeyAlgorithm : SignatureAlgorithm
{
    private readonly string _oid;
    private readonly Asn1Tag? _inner;
    private readonly int _privateLength;
    private readonly FixedDer _private;
    private readonly FixedDer _public;

    private protected RawKeyAlgorithm(string oid, int privateLength, int publicLength, Asn1Tag? inner)
    {
        (_oid, _inner, _privateLength) = (oid, inner, privateLength);
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

    /// <summary>
    /// Takes PKCS#8 with attributes and a public key (RFC 5958, 2), too, which some libraries write: the public key must be that of the
    /// private one.
    /// </summary>
    private protected sealed override SecretBytes? ImportCore(ReadOnlySpan<byte> material)
    {
        if (!PrivateKeyInfo.TryReadString(material, _oid, _inner, out var key, out var theirs) || key.Length != _privateLength
            || !AcceptsKey(key) || !IsWhole(key))
        {
            return null;
        }

        var kept = BeginMaterial(out var place);
        key.CopyTo(place);
        if (theirs.IsEmpty || _public.KeyIn(PublicPart(kept.Span)).SequenceEqual(theirs))
        {
            return kept;
        }

        kept.Dispose();
        return null;
    }

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

    /// <summary>Whether a private key from outside, of the right length, agrees with itself; where it holds its public key, that is to be checked.</summary>
    private protected virtual bool IsWhole(ReadOnlySpan<byte> key) => true;

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
