using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Operations;

/// <summary>The rules for the binary values of most cryptographic operations. Each returns what is wrong, or null.</summary>
internal static class Checks
{
    /// <summary>What is wrong with a plaintext and its associated data.</summary>
    public static KmsException? OfPlaintext(SizeLimits limits, byte[] plaintext, byte[]? associatedData) =>
        plaintext.Length == 0 ? KmsError.InvalidParameter.Exception("'plaintext' is empty.")
        : plaintext.Length > limits.Plaintext ? TooLarge("plaintext", limits.Plaintext)
        : OfAssociatedData(associatedData);

    /// <summary>
    /// What is wrong with the sizes of a ciphertext and its associated data. The content of a ciphertext, and so that an empty
    /// one is invalid, is for its key to judge: whether the key exists and can be used comes first.
    /// </summary>
    public static KmsException? OfCiphertext(byte[] ciphertext, byte[]? associatedData) =>
        ciphertext.Length > SizeLimits.Ciphertext ? TooLarge("ciphertext", SizeLimits.Ciphertext)
        : OfAssociatedData(associatedData);

    /// <summary>What is wrong with a decryption, as far as that can be told without its key.</summary>
    public static KmsException? OfDecryption(DecryptItem item) =>
        item.Raw != item.KeyVersion is not null ? KmsError.InvalidParameter.Exception("'raw' needs a 'key_version'; a ciphertext that is not raw names its version itself, and takes none.")
        : item.KeyVersion < 1 ? KmsError.InvalidParameter.Exception("'key_version' must be 1 or more.")
        : OfCiphertext(item.Ciphertext, item.AssociatedData);

    /// <summary>What is wrong with associated data.</summary>
    public static KmsException? OfAssociatedData(byte[]? associatedData) =>
        associatedData?.Length > KmsLimits.AssociatedDataBytes ? TooLarge("associated_data", KmsLimits.AssociatedDataBytes) : null;

    /// <summary>Throws if something is wrong.</summary>
    public static void Refuse(this KmsException? problem)
    {
        if (problem is not null) throw problem;
    }

    private static KmsException TooLarge(string field, int limit) =>
        KmsError.PayloadTooLarge.Exception($"'{field}' must be at most {limit} bytes.");
}
