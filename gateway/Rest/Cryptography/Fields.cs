namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>Fields that a request must have in one of its forms and must not have in another.</summary>
internal static class Fields
{
    /// <summary>A field that the request must have.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static byte[] Require(byte[]? value, string name) =>
        value ?? throw KmsError.InvalidRequest.Exception($"'{name}' is missing.");
}
