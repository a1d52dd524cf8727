using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A key of ML-DSA on the platform's implementation.</summary>
/// <param name="key">The key, which this disposes.</param>
internal sealed class PlatformMlDsaKey(MLDsa key) : SignatureKey
{
    /// <inheritdoc/>
    public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed)
    {
        var signature = new byte[key.Algorithm.SignatureSizeInBytes];
        key.SignData(signed, signature, input.Context.Span);
        return signature;
    }

    /// <inheritdoc/>
    public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature) =>
        signature.Length == key.Algorithm.SignatureSizeInBytes && key.VerifyData(signed, signature, input.Context.Span);

    /// <inheritdoc/>
    public override void Dispose() => key.Dispose();
}
