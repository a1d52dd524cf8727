using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>A JSON Web Key Set (RFC 7517, 5).</summary>
internal sealed class JwksAnswer
{
    /// <summary>The keys, in the order of their ids, each key's newest version first.</summary>
    public required JwkAnswer[] Keys { get; init; }
}

/// <summary>
/// Publishes the public keys that verify tokens. Verifiers ask again and again, so the answer has a tag, and says how long it may be kept.
/// </summary>
internal static class JwksEndpoint
{
    // Some libraries ask again at once for a key that they do not know, others after this time. So a version that was disabled is
    // trusted for this long by those who keep what they have.
    private const string Caching = "private, max-age=300";

    // Of the keys, and of the answer made from them.
    private const int Bytes = 2 << 20;

    public static readonly QueryParameter[] Parameters =
    [
        new("prefix", "string", $"Only keys whose ids begin with this; all by default. At most {KmsLimits.PageItems} keys may begin with it, "
            + $"of whatever usage, and at most {KmsLimits.PublishedKeys} versions be published; beyond, nothing is answered."),
    ];

    public static async Task Handle(RestExchange exchange)
    {
        var prefix = new Query(exchange).Prefix();
        exchange.Hold(Bytes);
        var keys = await KeyPublication.Read(exchange, prefix);
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new JwksAnswer { Keys = [.. keys.Select(one => JwkAnswer.Of(one.KeyId, one.Key.KeyVersion, KeyUsage.Jws, one.Key.Jwk))] },
            RestJson.Default.JwksAnswer);
        await exchange.RecordAnswered(KmsOperation.ListJwks);
        var (request, response) = (exchange.Http.Request, exchange.Http.Response);
        var tag = new EntityTagHeaderValue($"\"{Base64Url.EncodeToString(SHA256.HashData(body))}\"");
        response.Headers.ETag = tag.ToString();
        response.Headers.CacheControl = Caching;
        response.Headers.Vary = HeaderNames.Authorization;
        if (request.GetTypedHeaders().IfNoneMatch.Any(known => known.Equals(EntityTagHeaderValue.Any) || known.Compare(tag, useStrongComparison: false)))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        await exchange.AnswerBytes(body, "application/json");
    }
}
