using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Encrypts with the public key of the primary version, which needs neither its material nor its provider; spends a use.</summary>
internal static class PublicKeyEncryption
{
    /// <summary>
    /// Encrypts; null when something must be prepared first, or for a key of another kind. Then nothing was spent, nor for a request that
    /// does not fit the key.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="limited">The operation that the key's limits count; null if they have counted it.</param>
    /// <param name="kind">The ciphertext's kind.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="associatedData">The associated data.</param>
    /// <param name="options">How.</param>
    /// <param name="startedAt">When it began.</param>
    /// <exception cref="KmsException">unsupported_algorithm, invalid_parameter, wrong_key_usage, hsm_unavailable.</exception>
    public static Encrypted? AtOnce(
        KeyActivation key, KmsOperation? limited, CiphertextKind kind, byte[] plaintext, byte[]? associatedData, in EncryptionOptions options,
        long startedAt)
    {
        if (key.Primary.Ready is not { ByPublicKey: { } version })
        {
            return null;
        }

        RequireData(kind);
        RequireNoAssociatedData(associatedData);
        var scheme = IScheme.Named(version.Schemes, options.Algorithm);
        version.RequireOffered(scheme);
        if (plaintext.Length > version.MaxPlaintextLength(scheme))
        {
            throw KmsError.InvalidParameter.Exception(
                $"The plaintext must be at most {version.MaxPlaintextLength(scheme)} bytes for {scheme.Name} with this key: encrypt more with a data key.");
        }

        if (key.Gate.TrySpend(limited) is not { } spent)
        {
            return null;
        }

        var bare = version.Encrypt(scheme, plaintext);
        var ciphertext = options.Raw ? bare : PublicKeyCiphertext.WithHeader(scheme, key.Id, version.Version, bare);
        key.Gate.Made(KmsOperation.Encrypt, spent, plaintext.Length, startedAt);
        return new(version.Version, ciphertext);
    }

    /// <summary>
    /// Anybody who has the public key makes ciphertexts of chosen bytes, so that a data key, which is to be known as made here, cannot be
    /// told from others.
    /// </summary>
    /// <exception cref="KmsException">wrong_key_usage.</exception>
    public static void RequireData(CiphertextKind kind)
    {
        if (kind != CiphertextKind.Data)
        {
            throw KmsError.WrongKeyUsage.Exception("A key that anybody encrypts with by its public key makes no data keys: nobody could tell whose they are.");
        }
    }

    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static void RequireNoAssociatedData(byte[]? associatedData)
    {
        if (associatedData is { Length: > 0 })
        {
            throw KmsError.InvalidParameter.Exception("RSA does not authenticate associated data, so a key of RSA takes none.");
        }
    }
}
