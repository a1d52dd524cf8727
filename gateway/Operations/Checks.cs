using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Operations;

/// <summary>The rules of the binary values that most cryptographic operations have. Each tells what is wrong, or null.</summary>
internal static class Checks
{
    /// <summary>What is wrong with a plaintext and its associated data.</summary>
    public static KmsException? OfPlaintext(SizeLimits limits, byte[] plaintext, byte[]? associatedData) =>
        plaintext.Length == 0 ? KmsError.InvalidParameter.Exception("'plaintext' is empty.")
        : plaintext.Length > limits.Plaintext ? TooLarge("plaintext", limits.Plaintext)
        : OfAssociatedData(associatedData);

    /// <summary>
    /// What is wrong with the sizes of a ciphertext and its associated data. What a ciphertext is inside, and so that an empty one
    /// is none, is for its key to say: that there is such a key, and that it may be used, comes first.
    /// </summary>
    public static KmsException? OfCiphertext(byte[] ciphertext, byte[]? associatedData) =>
        ciphertext.Length > SizeLimits.Ciphertext ? TooLarge("ciphertext", SizeLimits.Ciphertext)
        : OfAssociatedData(associatedData);

    /// <summary>What is wrong with associated data.</summary>
    public static KmsException? OfAssociatedData(byte[]? associatedData) =>
        associatedData?.Length > KmsLimits.AssociatedDataBytes ? TooLarge("associated_data", KmsLimits.AssociatedDataBytes) : null;

    /// <summary>Throws what is wrong.</summary>
    public static void Refuse(this KmsException? problem)
    {
        if (problem is not null) throw problem;
    }

    private static KmsException TooLarge(string field, int limit) =>
        KmsError.PayloadTooLarge.Exception($"'{field}' must be {limit} bytes or less.");
}
