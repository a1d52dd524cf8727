using OrleansKms.Grains.Cryptography.Agreement;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Providers;

/// <summary>ECDH on a curve of NIST (SP 800-56A, 5.7.1.2).</summary>
/// <param name="curve">The algorithm of the curve.</param>
internal sealed class HsmEcdh(EcdsaAlgorithm curve) : HsmAgreement(curve, new EcPairs(curve))
{
    /// <inheritdoc/>
    internal override int SecretLength => curve.FieldLength;

    /// <inheritdoc/>
    internal override byte[]? PointOf(ReadOnlySpan<byte> publicKey) =>
        EcPublicPoint.TryReadSound(publicKey, curve.Oid, curve.FieldLength, out var point)
            ? [EcPoint.Uncompressed, .. point.X!, .. point.Y!]
            : null;
}
