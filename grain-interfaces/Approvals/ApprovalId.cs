using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace OrleansKms;

/// <summary>
/// Ids of approvals: the key's id, <c>~</c> and a version 7 UUID in 32 hexadecimal digits. So an id leads to its key without a lookup,
/// permission is checked by it before any call, and the ids of one key sort by time.
/// </summary>
internal static class ApprovalId
{
    /// <summary>The maximum length of an id in characters.</summary>
    public const int MaxLength = KmsLimits.IdLength + 1 + NumberLength;

    private const char Mark = '~';
    private const int NumberLength = 32;
    private const string Last = "~";

    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789abcdef");

    /// <summary>The number of a new approval; it grows with time.</summary>
    public static string NewNumber(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("N");

    /// <summary>The id of an approval of a key.</summary>
    public static string Of(string keyId, string number) => keyId + Mark + number;

    /// <summary>A text that sorts after every approval of a key and before those of the next.</summary>
    public static string Behind(string keyId) => Of(keyId, Last);

    /// <summary>Parses an id.</summary>
    /// <param name="id">Any text.</param>
    /// <param name="keyId">The key it names, which need not exist.</param>
    /// <param name="number">The approval's number.</param>
    public static bool TryRead(string? id, [NotNullWhen(true)] out string? keyId, [NotNullWhen(true)] out string? number)
    {
        (keyId, number) = (null, null);
        if (id is null || id.Length > MaxLength || id.LastIndexOf(Mark) is not (> 0 and var at)) return false;
        if (!KeyId.IsValid(id.AsSpan(0, at)) || !IsNumber(id.AsSpan(at + 1))) return false;
        (keyId, number) = (id[..at], id[(at + 1)..]);
        return true;
    }

    /// <summary>The key of a position in a list: an approval's id, or <see cref="Behind"/> of a key.</summary>
    /// <param name="place">Any text.</param>
    /// <param name="keyId">The key.</param>
    public static bool TryReadPlace(string? place, [NotNullWhen(true)] out string? keyId)
    {
        var isBehind = place is { Length: > 2 } && place[^1] == Mark && place[^2] == Mark && KeyId.IsValid(place.AsSpan(0, place.Length - 2));
        keyId = isBehind ? place![..^2] : null;
        return isBehind || TryRead(place, out keyId, out _);
    }

    private static bool IsNumber(ReadOnlySpan<char> text) =>
        text.Length == NumberLength && !text.ContainsAnyExcept(_digits);
}
