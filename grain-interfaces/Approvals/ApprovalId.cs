using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace OrleansKms;

/// <summary>
/// Ids of approvals: the key's id, <c>~</c> and a UUID of version 7 in 32 hexadecimal digits. So an id leads to its key without a look-up,
/// permission is judged by it before anything is called, and the ids of one key sort by time.
/// </summary>
internal static class ApprovalId
{
    /// <summary>The most characters that an id has.</summary>
    public const int MaxLength = KmsLimits.IdLength + 1 + NumberLength;

    private const char Mark = '~';
    private const int NumberLength = 32;
    private const string Last = "~";

    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789abcdef");

    /// <summary>The number of a new approval; it grows with time.</summary>
    public static string NewNumber(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("N");

    /// <summary>The id of an approval of a key.</summary>
    public static string Of(string keyId, string number) => keyId + Mark + number;

    /// <summary>What sorts behind every approval of a key and before those of the next one.</summary>
    public static string Behind(string keyId) => Of(keyId, Last);

    /// <summary>Takes an id apart.</summary>
    /// <param name="id">Any text.</param>
    /// <param name="keyId">The key that it names; there need be none.</param>
    /// <param name="number">The approval's number.</param>
    public static bool TryRead(string? id, [NotNullWhen(true)] out string? keyId, [NotNullWhen(true)] out string? number)
    {
        (keyId, number) = (null, null);
        if (id is null || id.Length > MaxLength || id.LastIndexOf(Mark) is not (> 0 and var at)) return false;
        if (!KeyId.IsValid(id.AsSpan(0, at)) || !IsNumber(id.AsSpan(at + 1))) return false;
        (keyId, number) = (id[..at], id[(at + 1)..]);
        return true;
    }

    /// <summary>The key of a place in a list: an approval, or <see cref="Behind"/> a key's.</summary>
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
