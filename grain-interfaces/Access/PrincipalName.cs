using System.Buffers;

namespace OrleansKms;

/// <summary>The rules of principals' names: 1 to <see cref="MaxLength"/> of <c>A-Z a-z 0-9 . _ - @</c>.</summary>
internal static class PrincipalName
{
    /// <summary>The maximum length of a name in characters.</summary>
    public const int MaxLength = KmsLimits.PrincipalLength;

    /// <summary>The rule for a name, completing a sentence that ends in "must be".</summary>
    public const string Rule = "1 to 128 of A-Z a-z 0-9 . _ - @";

    private static readonly SearchValues<char> _allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@");

    // Names of the service itself and of built-in principals in logs and the audit trail.
    private static readonly string[] _reserved = ["admin", "metrics", "anonymous", "gateway", "silo", "okms"];

    /// <summary>Whether a text is a valid name.</summary>
    public static bool IsValid(ReadOnlySpan<char> name) => name.Length is > 0 and <= MaxLength && !name.ContainsAnyExcept(_allowed);

    /// <summary>Whether a text can begin a name; the empty text can.</summary>
    public static bool IsValidPrefix(ReadOnlySpan<char> prefix) => prefix.Length <= MaxLength && !prefix.ContainsAnyExcept(_allowed);

    /// <summary>Whether the name is reserved for the service.</summary>
    public static bool IsReserved(string name) => Array.Exists(_reserved, reserved => reserved.Equals(name, StringComparison.OrdinalIgnoreCase));
}
