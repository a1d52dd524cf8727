using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Decrypts with the private key of a version what anybody encrypted with the public one.</summary>
internal static class PrivateKeyDecryption
{
    /// <summary>Finds how to decrypt, before anything is spent.</summary>
    /// <param name="version">The version.</param>
    /// <param name="keyId">The key's id.</param>
    /// <param name="header">The header of the ciphertext; none of a bare one.</param>
    /// <param name="ciphertext">The ciphertext.</param>
    /// <param name="options">What the request says of it.</param>
    /// <returns>The scheme; null if the ciphertext cannot be one of this version, or is not of the algorithm that the request names.</returns>
    /// <exception cref="KmsException">unsupported_algorithm, hsm_unavailable.</exception>
    public static EncryptionScheme? Fit(
        IDecryptsByPrivateKey version, string keyId, CiphertextHeader? header, byte[] ciphertext, in DecryptionOptions options)
    {
        var named = IScheme.Named(version.Schemes, options.Algorithm);
        var marked = header is { } read ? PublicKeyCiphertext.SchemeOf(version, keyId, read, ciphertext) : named;
        if (marked is null || (options.Algorithm is not null && marked != named))
        {
            return null;
        }

        version.RequireOffered(marked);
        return marked;
    }

    /// <summary>Decrypts.</summary>
    /// <param name="version">The version.</param>
    /// <param name="scheme">The result of <see cref="Fit"/>.</param>
    /// <param name="header">The header of the ciphertext; none of a bare one.</param>
    /// <param name="ciphertext">The ciphertext.</param>
    /// <returns>The plaintext; null for what cannot be decrypted, whatever is wrong with it.</returns>
    public static ValueTask<byte[]?> Decrypt(IDecryptsByPrivateKey version, EncryptionScheme? scheme, CiphertextHeader? header, byte[]? ciphertext) =>
        scheme is null ? new(default(byte[])) : version.Decrypt(scheme, ciphertext.AsMemory(header?.Length ?? 0));
}
