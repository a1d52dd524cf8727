using System.Security.Cryptography;
using System.Text;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>Public keys in requests: SubjectPublicKeyInfo, as PEM (RFC 7468, 13) or as DER in base64.</summary>
internal static class PublicKeyText
{
    private const string Label = "PUBLIC KEY";
    private const int X25519Length = 32;

    // SubjectPublicKeyInfo of X25519 (RFC 8410, 4) up to the key.
    private static ReadOnlySpan<byte> X25519Prefix => [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0];

    /// <summary>Reads a public key's bytes; whether they are one is for the key to judge that uses them.</summary>
    /// <param name="text">The text; may be anything.</param>
    /// <param name="field">The field's name.</param>
    /// <returns>DER; also of the bare key of X25519, which many exchange without it.</returns>
    /// <exception cref="KmsException">invalid_parameter; payload_too_large.</exception>
    public static byte[] Parse(string text, string field)
    {
        var bytes = text.Contains("-----", StringComparison.Ordinal) ? FromPem(text, field) : FromBase64(text, field);
        if (bytes.Length > KmsLimits.PeerPublicKeyBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"'{field}' must be at most {KmsLimits.PeerPublicKeyBytes} bytes.");
        }

        return bytes.Length == X25519Length ? [.. X25519Prefix, .. bytes] : bytes;
    }

    private static byte[] FromPem(string text, string field)
    {
        if (!PemEncoding.TryFind(text, out var found)
            || text[found.Label] != Label
            || !text.AsSpan(0, found.Location.Start.Value).IsWhiteSpace()
            || !text.AsSpan(found.Location.End.Value).IsWhiteSpace())
        {
            throw KmsError.InvalidParameter.Exception($"'{field}' must be one PEM block, of a {Label}.");
        }

        return Convert.FromBase64String(text[found.Base64Data]);
    }

    private static byte[] FromBase64(string text, string field) =>
        Ascii.IsValid(text) && StrictBase64.TryDecode(Encoding.ASCII.GetBytes(text), out var bytes)
            ? bytes
            : throw KmsError.InvalidParameter.Exception($"'{field}' is neither PEM nor base64.");
}
