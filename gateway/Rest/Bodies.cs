using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Rest;

/// <summary>The bodies that REST accepts: JSON, read strictly, and raw bytes.</summary>
internal static class Bodies
{
    private const string Json = "application/json";

    /// <summary>The media type of raw bytes.</summary>
    public const string Octets = "application/octet-stream";

    /// <summary>Whether the body is raw bytes.</summary>
    public static bool IsOctets(HttpRequest request) => IsMediaType(request.ContentType, Octets);

    /// <summary>Reads a JSON body.</summary>
    /// <exception cref="KmsException">unsupported_media_type, payload_too_large, request_timeout, invalid_request.</exception>
    public static ValueTask<T> ReadJson<T>(this RestExchange exchange, JsonTypeInfo<T> type, int limit)
        where T : class
    {
        exchange.CheckForm();
        RequireContentType(exchange.Http.Request, Json);
        return exchange.Read(limit, static (body, type) => ParseJson(body, type), type);
    }

    /// <summary>Reads a JSON body in which every field has a default, so that the body may be omitted.</summary>
    public static ValueTask<T> ReadOptionalJson<T>(this RestExchange exchange, JsonTypeInfo<T> type, int limit)
        where T : class, new()
    {
        exchange.CheckForm();
        if (!RequestBody.IsThere(exchange.Http))
        {
            return ValueTask.FromResult(new T());
        }

        RequireContentType(exchange.Http.Request, Json);
        return exchange.Read(limit, static (body, type) => body.IsEmpty ? new T() : ParseJson(body, type), type);
    }

    /// <summary>Reads a body of raw bytes.</summary>
    public static ValueTask<byte[]> ReadOctets(this RestExchange exchange, int limit)
    {
        exchange.CheckForm();
        return exchange.Read(limit, static (body, _) => body.ToArray(), 0);
    }

    private static void RequireContentType(HttpRequest request, string mediaType)
    {
        if (!IsMediaType(request.ContentType, mediaType))
        {
            throw KmsError.UnsupportedMediaType.Exception($"The body must be {mediaType}.");
        }
    }

    private static bool IsMediaType(string? contentType, string mediaType)
    {
        if (contentType is null || !contentType.StartsWith(mediaType, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var rest = contentType.AsSpan(mediaType.Length).Trim(' ');
        return rest.IsEmpty || (rest[0] == ';' && IsUtf8(rest[1..].Trim(' ')));
    }

    private static bool IsUtf8(ReadOnlySpan<char> parameters) =>
        parameters.IsEmpty
        || parameters.Equals("charset=utf-8", StringComparison.OrdinalIgnoreCase)
        || parameters.Equals("charset=\"utf-8\"", StringComparison.OrdinalIgnoreCase);

    private static T ParseJson<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type)
                ?? throw KmsError.InvalidRequest.Exception("The body must be a JSON object.");
        }
        catch (JsonException e)
        {
            // The parser's own message names types of this program and stays inside.
            throw KmsError.InvalidRequest.Exception(Describe(e.Path));
        }
        catch (NotSupportedException)
        {
            // The parser throws this when an object with several kinds does not name its kind.
            throw KmsError.InvalidRequest.Exception(Describe(null));
        }
    }

    private static string Describe(string? path) =>
        path is { Length: > 1 and <= 64 } && !path.AsSpan().ContainsAnyExceptInRange('!', '~') && !path.Contains('\'', StringComparison.Ordinal)
            ? $"The body does not fit this address: see '{path[1..].TrimStart('.')}'."
            : "The body must be a JSON object with the fields of this address.";
}
