using Org.BouncyCastle.Math.EC.Rfc8032;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A private key of Ed25519.</summary>
internal sealed class Ed25519PrivateKey : SignatureKey
{
    // RFC 8032, 5.1: Ed25519ph has a context, which is empty here.
    private static readonly byte[] _noContext = [];

    private readonly SecretBytes _seed;
    private readonly byte[] _public = new byte[Ed25519.PublicKeySize];

    internal Ed25519PrivateKey(ReadOnlySpan<byte> seed)
    {
        _seed = new(seed.Length);
        seed.CopyTo(_seed.Span);
        Ed25519.GeneratePublicKey(seed, _public);
    }

    /// <inheritdoc/>
    public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed)
    {
        var signature = new byte[Ed25519.SignatureSize];
        if (input.Scheme == Ed25519Algorithm.Prehashed)
        {
            Ed25519.SignPrehash(_seed.Span, _public.AsSpan(), _noContext, signed, signature);
        }
        else
        {
            // As a span: an array in its place would be a context, and make the signature one of Ed25519ctx.
            Ed25519.Sign(_seed.Span, _public.AsSpan(), signed, signature);
        }

        return signature;
    }

    /// <inheritdoc/>
    public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature) =>
        throw new NotSupportedException("internal error: the public key verifies.");

    /// <inheritdoc/>
    public override void Dispose() => _seed.Dispose();
}
