using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Extensions.Primitives;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// The id that joins a request's log lines. A caller's own is used if it is 1 to 128 characters without a meaning in logs,
/// headers or terminals; otherwise one is made.
/// </summary>
internal static class RequestId
{
    /// <summary>The header, in requests and answers.</summary>
    public const string Header = "X-Request-Id";

    /// <summary>The maximum length of a caller's id.</summary>
    public const int MaxLength = KmsLimits.RequestIdLength;

    private static readonly SearchValues<char> _safe =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:/+=@-");

    /// <summary>The header's id, or a new one.</summary>
    public static string From(StringValues header) =>
        header.Count == 1 && header[0] is { Length: > 0 and <= MaxLength } id && !id.AsSpan().ContainsAnyExcept(_safe) ? id : New();

    // It need not be unpredictable, only unlikely to repeat.
    private static string New()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Random.Shared.NextInt64(long.MinValue, long.MaxValue));
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Random.Shared.NextInt64(long.MinValue, long.MaxValue));
        return Convert.ToHexStringLower(bytes);
    }
}
