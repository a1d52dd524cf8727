using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>What is signed and how: a request that fits the key.</summary>
/// <param name="Scheme">The scheme.</param>
/// <param name="Data">The message, or its digest.</param>
/// <param name="IsDigest">Whether it is the digest.</param>
/// <param name="Encoding">The encoding of the signature, where the scheme has two.</param>
/// <param name="Context">The context; empty for none.</param>
public readonly record struct SignatureInput(
    SignatureScheme Scheme, ReadOnlyMemory<byte> Data, bool IsDigest, SignatureEncoding Encoding, ReadOnlyMemory<byte> Context)
{
    /// <summary>Room for the longest digest, in bytes.</summary>
    internal const int MaxDigestLength = 64;

    /// <summary>Finds the scheme that a request names, and refuses what that does not take.</summary>
    /// <param name="schemes">What the key offers, the default first.</param>
    /// <param name="item">The request.</param>
    /// <exception cref="KmsException">unsupported_algorithm, invalid_parameter.</exception>
    public static SignatureInput Of(IReadOnlyList<SignatureScheme> schemes, SignItem item)
    {
        var scheme = IScheme.Named(schemes, item.Algorithm);
        if (item.IsDigest && (scheme.Hash is null || item.Data.Length != scheme.DigestLength))
        {
            throw KmsError.InvalidParameter.Exception(scheme.Hash is null
                ? $"{scheme.Name} signs the message itself, not a digest."
                : $"The digest of {scheme.Name} must be {scheme.DigestLength} bytes.");
        }

        if (item.Encoding is not null && !scheme.HasEncodings)
        {
            throw KmsError.InvalidParameter.Exception($"Signatures of {scheme.Name} have one encoding.");
        }

        if (item.Context is { Length: > 0 } && !scheme.HasContext)
        {
            throw KmsError.InvalidParameter.Exception($"{scheme.Name} takes no context.");
        }

        return item.Context is { Length: > KmsLimits.ContextBytes }
            ? throw KmsError.InvalidParameter.Exception($"The context must be at most {KmsLimits.ContextBytes} bytes.")
            : new(scheme, item.Data, item.IsDigest, item.Encoding ?? SignatureEncoding.Der, item.Context);
    }

    /// <summary>What goes into the algorithm: the digest, or the message where that is signed itself.</summary>
    /// <param name="buffer">Receives the digest, where it is made here; at least <see cref="MaxDigestLength"/> bytes.</param>
    internal ReadOnlySpan<byte> Signed(Span<byte> buffer) => IsDigest || Scheme.Hash is not { } hash
        ? Data.Span
        : buffer[..CryptographicOperations.HashData(hash, Data.Span, buffer)];
}
