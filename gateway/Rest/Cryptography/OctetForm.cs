using System.Globalization;
using System.Text;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>The headers of the form in which body and answer are raw bytes.</summary>
internal static class OctetForm
{
    public const string ContentType = Bodies.Octets;
    public const string AssociatedDataHeader = "Okms-Associated-Data";
    public const string KeyIdHeader = "Okms-Key-Id";
    public const string KeyVersionHeader = "Okms-Key-Version";
    public const string KindHeader = "Okms-Kind";

    /// <summary>The associated data in the request's header, in base64; null when there is none.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static byte[]? AssociatedData(RestExchange exchange)
    {
        var header = exchange.Http.Request.Headers[AssociatedDataHeader];
        if (header.Count == 0)
        {
            return null;
        }

        return header is [{ } text] && Ascii.IsValid(text) && StrictBase64.TryDecode(Encoding.ASCII.GetBytes(text), out var bytes)
            ? bytes
            : throw KmsError.InvalidRequest.Exception($"The header {AssociatedDataHeader} is not base64.");
    }

    /// <summary>Answers with bytes, and with the key and version in headers.</summary>
    public static Task Answer(RestExchange exchange, string keyId, int keyVersion, byte[] bytes, CiphertextKind? kind = null)
    {
        var headers = exchange.Http.Response.Headers;
        headers[KeyIdHeader] = keyId;
        headers[KeyVersionHeader] = keyVersion.ToString(CultureInfo.InvariantCulture);
        if (kind is { } value)
        {
            headers[KindHeader] = WireNames<CiphertextKind>.Of(value);
        }

        return exchange.AnswerBytes(bytes, ContentType);
    }
}
