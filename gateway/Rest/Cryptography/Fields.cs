namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>Fields that a request must have in one of its forms and must not have in another.</summary>
internal static class Fields
{
    /// <summary>A field that the request must have.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static byte[] Require(byte[]? value, string name) =>
        value ?? throw KmsError.InvalidRequest.Exception($"'{name}' is missing.");

    /// <summary>Refuses what only a decryption with a key that the request names takes, in one with the key that the ciphertext names.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static void RequireKey(string? algorithm, bool? raw, int? keyVersion)
    {
        if (algorithm is not null || raw is not null || keyVersion is not null)
        {
            throw KmsError.InvalidRequest.Exception("'algorithm', 'raw' and 'key_version' need a 'key_id'.");
        }
    }
}
