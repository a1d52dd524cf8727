using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Encryption and decryption with what only keys of a public key take: an algorithm, and ciphertexts without a header. The same grain as
/// <see cref="IKeyGrain"/>, with the same grain key; since feature level 6, below which no such key encrypts.
/// </summary>
/// <remarks>
/// The methods are those of <see cref="IKeyGrain"/>, by which older silos would pass over the new fields of their messages. Every method
/// fails with <c>invalid_parameter</c> for associated data, which an RSA ciphertext does not authenticate, and for a key that has no use for
/// such a field.
/// </remarks>
[Alias("okms.IKeyEncryptionGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyEncryptionGrain : IGrainWithStringKey
{
    /// <summary>Encrypts with the public key of the primary version; spends one use. Errors: unsupported_algorithm, invalid_parameter.</summary>
    [Alias("Encrypt"), Operation("keys:encrypt")] ValueTask<Encrypted> Encrypt(Encrypt request);

    /// <summary>
    /// Decrypts. Errors: invalid_ciphertext, whatever is wrong with the ciphertext; unsupported_algorithm; version_not_usable, and not_found
    /// for the version that a request names.
    /// </summary>
    [Alias("Decrypt"), Operation("keys:decrypt"), AlwaysInterleave] ValueTask<Decrypted> Decrypt(Decrypt request);

    /// <summary>Encrypts many items in order; spends a use for each.</summary>
    [Alias("EncryptBatch"), Operation("keys:encrypt")] ValueTask<ItemResult<Encrypted>[]> EncryptBatch(EncryptBatch request);

    /// <summary>Decrypts many items in order.</summary>
    [Alias("DecryptBatch"), Operation("keys:decrypt"), AlwaysInterleave] ValueTask<ItemResult<Decrypted>[]> DecryptBatch(DecryptBatch request);
}
