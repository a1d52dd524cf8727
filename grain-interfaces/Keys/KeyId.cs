using System.Buffers;

namespace OrleansKms;

/// <summary>
/// The rules of key ids and alias names: 1 to <see cref="KmsLimits.IdLength"/> of <c>A-Z a-z 0-9 . _ -</c>, starting and ending
/// with a letter, a digit or <c>_</c>. Dots form namespaces, as in <c>payments.eu.cards</c>.
/// </summary>
public static class KeyId
{
    /// <summary>The maximum length of an id in characters.</summary>
    public const int MaxLength = KmsLimits.IdLength;

    /// <summary>The rule for an id, completing a sentence that ends in "must be".</summary>
    internal const string Rule = "1 to 128 of A-Z a-z 0-9 . _ -, beginning and ending with a letter, a digit or _";

    /// <summary>The prefix of an alias name in a request where a key id is expected: <c>alias:billing</c>.</summary>
    public const string AliasPrefix = "alias:";

    private static readonly SearchValues<char> _inner =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Whether a text is a valid key id or alias name.</summary>
    /// <param name="id">The text; may be anything.</param>
    public static bool IsValid(ReadOnlySpan<char> id) =>
        id.Length is > 0 and <= MaxLength
        && !id.ContainsAnyExcept(_inner)
        && IsOuter(id[0]) && IsOuter(id[^1]);

    /// <summary>
    /// Whether a text can be the beginning of a key id: the empty text, or anything that a list accepts as a prefix.
    /// </summary>
    /// <param name="prefix">The text; may be anything.</param>
    public static bool IsValidPrefix(ReadOnlySpan<char> prefix) =>
        prefix.Length <= MaxLength && !prefix.ContainsAnyExcept(_inner) && (prefix.IsEmpty || IsOuter(prefix[0]));

    private static bool IsOuter(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
}
