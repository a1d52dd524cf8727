using System.Text.RegularExpressions;

namespace OrleansKms.Gateway.Logging;

/// <summary>Removes from a text what others put there and a log must not hold: queries of addresses, and credentials.</summary>
internal static partial class Redaction
{
    private const string Left = "…";

    /// <summary>The text without them; the same string when there are none.</summary>
    public static string Apply(string text)
    {
        if (text.Contains('?', StringComparison.Ordinal)) text = Query().Replace(text, "?" + Left);
        return text.Contains("bearer", StringComparison.OrdinalIgnoreCase) || text.Contains("basic", StringComparison.OrdinalIgnoreCase)
            ? Credentials().Replace(text, "$1 " + Left)
            : text;
    }

    // A question mark that ends a word starts no query; a query extends to the next space, quote or bracket.
    [GeneratedRegex("""\?[^\s"'<>()\[\]{}|]+""")]
    private static partial Regex Query();

    [GeneratedRegex("""\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+""", RegexOptions.IgnoreCase)]
    private static partial Regex Credentials();
}
