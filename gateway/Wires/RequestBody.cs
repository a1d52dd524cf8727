using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// Reads request bodies whole, up to a limit and a deadline. A body that has arrived with its headers, as most have, is parsed in
/// place, without a timer or a copy.
/// </summary>
internal static class RequestBody
{
    /// <summary>Makes a value from a body, which it must not keep.</summary>
    internal delegate T Parse<T, TState>(ReadOnlySpan<byte> body, TState state);

    /// <summary>Whether there is a body, or may still be one.</summary>
    public static bool IsThere(HttpContext http) => http.Request.ContentLength is { } length
        ? length > 0
        : http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;

    /// <summary>Reads the body.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="limit">The maximum length in bytes.</param>
    /// <param name="parse">Makes a value of it.</param>
    /// <param name="state">An argument for it.</param>
    /// <exception cref="KmsException">payload_too_large, request_timeout, overloaded.</exception>
    public static ValueTask<T> Read<T, TState>(this Exchange exchange, int limit, Parse<T, TState> parse, TState state)
    {
        var request = exchange.Http.Request;
        var declared = request.ContentLength;
        if (declared > limit)
        {
            throw TooLarge(limit);
        }

        // Before anything is read: a refused body stays with its sender.
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
                        exchange.CheckTrailers();
                    }

                    return ValueTask.FromResult(parse(buffer.FirstSpan, state));
                }
                finally
                {
                    // Even when the body is refused: the connection's next request is behind it.
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
        // A client that sends slowly, or nothing, holds up nobody else.
        var hadPlace = exchange.LeavePlace(wasAnswered: false);
        var declared = (int?)exchange.Http.Request.ContentLength;
        var pool = exchange.Services.Pool;
        var body = pool.Rent(Math.Max(1, declared ?? Math.Min(limit, 16 * 1024)));
        var length = 0;
        var waitedSince = exchange.Services.Time.GetTimestamp();
        using var deadline = new CancellationTokenSource(exchange.Services.Options.RequestTimeout, exchange.Services.Time);
        // A read that a token ends stays in progress inside, and the server could not drain the rest of the body.
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
            if (hadPlace && !await exchange.TakePlace())
            {
                throw KmsError.Overloaded.Exception();
            }

            exchange.CheckTrailers();
            return parse(body.AsSpan(0, length), state);
        }
        catch (ConnectionResetException)
        {
            // Nobody is there to read the answer; the log says that the request did not arrive.
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
        KmsError.PayloadTooLarge.Exception($"The body must be at most {limit} bytes.");
}
