using System.Numerics;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A key of ECDSA on the platform's implementation.</summary>
/// <param name="ecdsa">The key, which this disposes.</param>
/// <param name="fieldLength">Length of each half of a signature in bytes.</param>
/// <param name="lowBelowHalfOf">The curve's order, where s must be the lower one; null for any.</param>
internal sealed class EcdsaKey(ECDsa ecdsa, int fieldLength, BigInteger? lowBelowHalfOf) : SignatureKey
{
    /// <inheritdoc/>
    public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed)
    {
        if (lowBelowHalfOf is null)
        {
            return ecdsa.SignHash(signed, FormatOf(input.Encoding));
        }

        var signature = ecdsa.SignHash(signed, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        MakeLow(signature.AsSpan(fieldLength), lowBelowHalfOf.Value);
        return input.Encoding == SignatureEncoding.Der ? EcdsaEncoding.ToDer(signature) : signature;
    }

    /// <inheritdoc/>
    /// <remarks>DER is decoded here, strictly: libraries differ in what else they accept.</remarks>
    public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        Span<byte> buffer = stackalloc byte[EcdsaEncoding.MaxLength];
        var halves = buffer[..(2 * fieldLength)];
        if (input.Encoding == SignatureEncoding.P1363)
        {
            if (signature.Length != halves.Length)
            {
                return false;
            }

            signature.CopyTo(halves);
        }
        else if (!EcdsaEncoding.TryReadDer(signature, halves))
        {
            return false;
        }

        return (lowBelowHalfOf is not { } order || IsLow(halves[fieldLength..], order))
            && ecdsa.VerifyHash(signed, halves, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <inheritdoc/>
    public override void Dispose() => ecdsa.Dispose();

    private static DSASignatureFormat FormatOf(SignatureEncoding encoding) => encoding == SignatureEncoding.P1363
        ? DSASignatureFormat.IeeeP1363FixedFieldConcatenation
        : DSASignatureFormat.Rfc3279DerSequence;

    private static bool IsLow(ReadOnlySpan<byte> s, BigInteger order) => new BigInteger(s, isUnsigned: true, isBigEndian: true) << 1 < order;

    /// <summary>Replaces s by the order less s, if that is lower: both are signatures of the same (SEC 1, 4.1.3).</summary>
    private static void MakeLow(Span<byte> s, BigInteger order)
    {
        if (IsLow(s, order))
        {
            return;
        }

        var low = order - new BigInteger(s, isUnsigned: true, isBigEndian: true);
        s.Clear();
        low.TryWriteBytes(s[(s.Length - low.GetByteCount(isUnsigned: true))..], out _, isUnsigned: true, isBigEndian: true);
    }
}
