using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>The rules of the binary fields that most cryptographic requests have.</summary>
internal static class Fields
{
    /// <summary>What is wrong with a plaintext and its associated data, or null.</summary>
    public static ErrorAnswer? CheckPlaintext(SizeLimits limits, byte[] plaintext, byte[]? associatedData) =>
        plaintext.Length == 0 ? ErrorAnswer.Of(KmsError.InvalidParameter, "'plaintext' is empty.")
        : plaintext.Length > limits.Plaintext ? TooLarge("plaintext", limits.Plaintext)
        : CheckAssociatedData(associatedData);

    /// <summary>
    /// What is wrong with the sizes of a ciphertext and its associated data, or null. What a ciphertext is inside, and so that an
    /// empty one is none, is for its key to say: that there is such a key, and that it may be used, comes first.
    /// </summary>
    public static ErrorAnswer? CheckCiphertext(byte[] ciphertext, byte[]? associatedData) =>
        ciphertext.Length > SizeLimits.Ciphertext ? TooLarge("ciphertext", SizeLimits.Ciphertext)
        : CheckAssociatedData(associatedData);

    /// <summary>What is wrong with associated data, or null.</summary>
    public static ErrorAnswer? CheckAssociatedData(byte[]? associatedData) =>
        associatedData?.Length > KmsLimits.AssociatedDataBytes ? TooLarge("associated_data", KmsLimits.AssociatedDataBytes) : null;

    /// <summary>Throws what is wrong.</summary>
    public static void Refuse(ErrorAnswer? error)
    {
        if (error is not null)
        {
            throw new KmsException(error.Code, error.Detail);
        }
    }

    /// <summary>A field that the request must have.</summary>
    public static byte[] Require(byte[]? value, string name) =>
        value ?? throw KmsError.InvalidRequest.Exception($"'{name}' is missing.");

    /// <summary>A field that the request must have.</summary>
    public static string Require(string? value, string name) =>
        value ?? throw KmsError.InvalidRequest.Exception($"'{name}' is missing.");

    /// <summary>The readable beginning of a ciphertext, which names its key.</summary>
    public static CiphertextHeader ReadHeader(byte[] ciphertext) =>
        CiphertextHeader.TryRead(ciphertext, out var header) ? header : throw KmsError.InvalidCiphertext.Exception();

    private static ErrorAnswer TooLarge(string field, int limit) =>
        ErrorAnswer.Of(KmsError.PayloadTooLarge, $"'{field}' must be {limit} bytes or less.");
}
