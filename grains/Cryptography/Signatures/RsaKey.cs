using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>An RSA scheme: a hash and a padding.</summary>
internal sealed record RsaScheme : SignatureScheme
{
    internal RsaScheme(string name, int hashBits, RSASignaturePadding padding)
        : base(OfSha2(name, hashBits)) => Padding = padding;

    /// <summary>The padding.</summary>
    public RSASignaturePadding Padding { get; }
}

/// <summary>A key of RSA on the platform's implementation.</summary>
/// <param name="rsa">The key, which this disposes.</param>
internal sealed class RsaKey(RSA rsa) : SignatureKey
{
    private readonly int _length = rsa.KeySize / 8;

    /// <inheritdoc/>
    public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed)
    {
        var signature = new byte[_length];
        return rsa.TrySignHash(signed, signature, input.Scheme.Hash!.Value, PaddingOf(input), out var written) && written == _length
            ? signature
            : throw new CryptographicException("internal error: an RSA signature is as long as the modulus.");
    }

    /// <inheritdoc/>
    public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature) =>
        signature.Length == _length && rsa.VerifyHash(signed, signature, input.Scheme.Hash!.Value, PaddingOf(input));

    /// <inheritdoc/>
    public override void Dispose() => rsa.Dispose();

    private static RSASignaturePadding PaddingOf(in SignatureInput input) => ((RsaScheme)input.Scheme).Padding;
}
