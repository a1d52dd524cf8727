using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansKms.Gateway.Http;

/// <summary>
/// Reads request bodies whole, up to a limit and a deadline. A body that has arrived with its headers, as most have, is parsed
/// where it lies, without a timer or a copy.
/// </summary>
internal static class Bodies
{
    private const string Json = "application/json";

    /// <summary>The media type of bodies that are bytes as they are.</summary>
    public const string Octets = "application/octet-stream";

    private delegate T Parse<T, TState>(ReadOnlySpan<byte> body, TState state);

    /// <summary>Whether the body is bytes as they are.</summary>
    public static bool IsOctets(HttpRequest request) => IsMediaType(request.ContentType, Octets);

    /// <summary>Whether a body is there, or may still come.</summary>
    public static bool HasBody(HttpContext http) => http.Request.ContentLength is { } length
        ? length > 0
        : http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;

    /// <summary>Reads a JSON body.</summary>
    /// <exception cref="KmsException">unsupported_media_type, payload_too_large, request_timeout, invalid_request.</exception>
    public static ValueTask<T> ReadJson<T>(this Exchange exchange, JsonTypeInfo<T> type, int limit)
        where T : class
    {
        exchange.CheckForm();
        RequireContentType(exchange.Http.Request, Json);
        return Read(exchange, limit, static (body, type) => ParseJson(body, type), type);
    }

    /// <summary>Reads a JSON body of which every field has a default, so that it may be left out.</summary>
    public static ValueTask<T> ReadOptionalJson<T>(this Exchange exchange, JsonTypeInfo<T> type, int limit)
        where T : class, new()
    {
        exchange.CheckForm();
        if (!HasBody(exchange.Http))
        {
            return ValueTask.FromResult(new T());
        }

        RequireContentType(exchange.Http.Request, Json);
        return Read(exchange, limit, static (body, type) => body.IsEmpty ? new T() : ParseJson(body, type), type);
    }

    /// <summary>Reads a body of bytes as they are.</summary>
    public static ValueTask<byte[]> ReadOctets(this Exchange exchange, int limit)
    {
        exchange.CheckForm();
        return Read(exchange, limit, static (body, _) => body.ToArray(), 0);
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
            // So the parser tells that an object of several kinds does not say which it is.
            throw KmsError.InvalidRequest.Exception(Describe(null));
        }
    }

    private static string Describe(string? path) =>
        path is { Length: > 1 and <= 64 } && !path.AsSpan().ContainsAnyExceptInRange('!', '~') && !path.Contains('\'', StringComparison.Ordinal)
            ? $"The body is not what this address takes: see '{path[1..].TrimStart('.')}'."
            : "The body is not a JSON object with the fields that this address takes.";

    private static ValueTask<T> Read<T, TState>(Exchange exchange, int limit, Parse<T, TState> parse, TState state)
    {
        var request = exchange.Http.Request;
        var declared = request.ContentLength;
        if (declared > limit)
        {
            throw TooLarge(limit);
        }

        // Before anything is read: what is refused stays where it came from.
        exchange.Hold(declared ?? 0);
        var reader = request.BodyReader;
        if (reader.TryRead(out var read))
        {
            var buffer = read.Buffer;
            if (buffer.IsSingleSegment && (read.IsCompleted || buffer.Length == declared) && buffer.Length <= limit)
            {
                exchange.RequestBytes = buffer.Length;
                try
                {
                    if (declared is null)
                    {
                        RequestForm.CheckTrailers(exchange.Http);
                    }

                    return ValueTask.FromResult(parse(buffer.FirstSpan, state));
                }
                finally
                {
                    // Also when the body is refused: the connection's next request stands behind it.
                    reader.AdvanceTo(buffer.End);
                }
            }

            reader.AdvanceTo(buffer.Start);
        }

        return ReadInParts(exchange, reader, limit, parse, state);
    }

    private static async ValueTask<T> ReadInParts<T, TState>(
        Exchange exchange, PipeReader reader, int limit, Parse<T, TState> parse, TState state)
    {
        var declared = (int?)exchange.Http.Request.ContentLength;
        var pool = exchange.Services.Pool;
        var body = pool.Rent(Math.Max(1, declared ?? Math.Min(limit, 16 * 1024)));
        var length = 0;
        var waitedSince = exchange.Services.Time.GetTimestamp();
        using var deadline = new CancellationTokenSource(exchange.Services.Options.RequestTimeout, exchange.Services.Time);
        // A read that is ended by a token stays under way inside, and the server could not drain what is left of the body.
        using var ending = deadline.Token.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(CancellationToken.None);
                var buffer = read.Buffer;
                if (read.IsCanceled)
                {
                    reader.AdvanceTo(buffer.End);
                    throw KmsError.RequestTimeout.Exception();
                }

                if (length + buffer.Length > limit)
                {
                    reader.AdvanceTo(buffer.End);
                    throw TooLarge(limit);
                }

                Append(pool, ref body, ref length, buffer);
                reader.AdvanceTo(buffer.End);
                exchange.Hold(length);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            exchange.RequestBytes = length;
            exchange.BodyHasArrived(waitedSince);
            RequestForm.CheckTrailers(exchange.Http);
            return parse(body.AsSpan(0, length), state);
        }
        catch (ConnectionResetException)
        {
            // Nobody is there to read the answer; the log tells that the request did not arrive.
            throw KmsError.RequestTimeout.Exception();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(body.AsSpan(0, length));
            pool.Return(body);
        }
    }

    private static void Append(ArrayPool<byte> pool, ref byte[] body, ref int length, ReadOnlySequence<byte> more)
    {
        var needed = length + (int)more.Length;
        if (needed > body.Length)
        {
            var larger = pool.Rent(Math.Max(needed, body.Length * 2));
            body.AsSpan(0, length).CopyTo(larger);
            CryptographicOperations.ZeroMemory(body.AsSpan(0, length));
            pool.Return(body);
            body = larger;
        }

        more.CopyTo(body.AsSpan(length));
        length = needed;
    }

    private static KmsException TooLarge(int limit) =>
        KmsError.PayloadTooLarge.Exception($"The body must be {limit} bytes or less.");
}
