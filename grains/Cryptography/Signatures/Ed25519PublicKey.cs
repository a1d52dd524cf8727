using Org.BouncyCastle.Math.EC.Rfc8032;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A public key of Ed25519. A signature whose s is not below the order is refused (RFC 8032, 5.1.7).</summary>
/// <param name="point">Its point.</param>
internal sealed class Ed25519PublicKey(Ed25519.PublicPoint point) : SignatureKey
{
    private static readonly byte[] _noContext = [];

    /// <inheritdoc/>
    public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed) =>
        throw new NotSupportedException("internal error: a public key cannot sign.");

    /// <inheritdoc/>
    public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature) =>
        signature.Length == Ed25519.SignatureSize
        && (input.Scheme == Ed25519Algorithm.Prehashed
            ? Ed25519.VerifyPrehash(signature, point, _noContext, signed)
            : Ed25519.Verify(signature, point, signed));

    /// <inheritdoc/>
    public override void Dispose()
    {
        // It is public.
    }
}
