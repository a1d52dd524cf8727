namespace OrleansKms.Grains.Cryptography;

/// <summary>Ciphertexts of key pairs as FORMAT.md lays them out: a header, and the bare ciphertext behind it.</summary>
internal static class PublicKeyCiphertext
{
    /// <summary>Puts the header in front of a bare ciphertext.</summary>
    /// <param name="scheme">How it was encrypted.</param>
    /// <param name="keyId">The key's id.</param>
    /// <param name="version">The key version.</param>
    /// <param name="bare">The bare ciphertext.</param>
    public static byte[] WithHeader(EncryptionScheme scheme, string keyId, int version, ReadOnlySpan<byte> bare)
    {
        var codec = new CiphertextCodec(scheme.Id, keyId, version, bare.Length);
        var ciphertext = new byte[codec.HeaderLength + bare.Length];
        codec.WriteHeader(CiphertextKind.Data, ciphertext);
        bare.CopyTo(ciphertext.AsSpan(codec.HeaderLength));
        return ciphertext;
    }

    /// <summary>
    /// The scheme that the header of a ciphertext names; null unless the whole ciphertext is one that this version writes. Whoever has the
    /// public key makes ciphertexts, so no kind but data can be believed, and none other is taken.
    /// </summary>
    /// <param name="version">The version.</param>
    /// <param name="keyId">The key's id.</param>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    public static EncryptionScheme? SchemeOf(
        IDecryptsByPrivateKey version, string keyId, in CiphertextHeader header, ReadOnlySpan<byte> ciphertext) =>
        header.Kind == CiphertextKind.Data
        && ciphertext.Length == header.Length + version.CiphertextLength
        && EncryptionScheme.Marked(version.Schemes, header.Algorithm) is { } scheme
        && new CiphertextCodec(scheme.Id, keyId, version.Version, version.CiphertextLength).IsOwn(header, ciphertext)
            ? scheme
            : null;
}
