namespace OrleansKms.Grains.Keys.Operations;

/// <summary>What a request to encrypt says beyond what is encrypted. Only a key that encrypts with a public key takes any of it.</summary>
/// <param name="Algorithm">The algorithm; null for the key's first.</param>
/// <param name="Raw">Whether the answer is the bare ciphertext.</param>
internal readonly record struct EncryptionOptions(string? Algorithm, bool Raw)
{
    /// <summary>Whether there is nothing.</summary>
    public bool IsNone => Algorithm is null && !Raw;

    /// <summary>Refuses anything: the key has no use for it, and nothing that a caller sends is ignored.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public void RequireNone() => RequireNone(IsNone);

    /// <inheritdoc cref="RequireNone()"/>
    public static void RequireNone(bool isNone)
    {
        if (!isNone)
        {
            throw KmsError.InvalidParameter.Exception("This key has one way to encrypt: algorithm, raw and key_version are for RSA keys.");
        }
    }
}

/// <summary>What a request to decrypt says beyond the ciphertext. Only a key that encrypts with a public key takes any of it.</summary>
/// <param name="Algorithm">The algorithm; null for the one that the ciphertext names or, of a bare one, for the key's first.</param>
/// <param name="Raw">Whether the ciphertext is a bare one.</param>
/// <param name="KeyVersion">The version that it was encrypted with, if it is a bare one.</param>
internal readonly record struct DecryptionOptions(string? Algorithm, bool Raw, int? KeyVersion)
{
    /// <summary>Whether there is nothing.</summary>
    public bool IsNone => Algorithm is null && !Raw && KeyVersion is null;

    /// <summary>The options of a request.</summary>
    public static DecryptionOptions Of(Decrypt request) => new(request.Algorithm, request.Raw, request.KeyVersion);

    /// <summary>The options of an item of a batch.</summary>
    public static DecryptionOptions Of(DecryptItem item) => new(item.Algorithm, item.Raw, item.KeyVersion);

    /// <summary>Checks them as far as possible without the key.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public void Check()
    {
        if (Raw != KeyVersion is not null || KeyVersion < 1)
        {
            throw KmsError.InvalidParameter.Exception(
                "A raw ciphertext needs the key_version that it was encrypted with, 1 or more; any other names its version itself, and takes none.");
        }
    }
}
