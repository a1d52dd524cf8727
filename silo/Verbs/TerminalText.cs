using System.Globalization;
using System.Text;

namespace OrleansKms.Silo.Verbs;

/// <summary>
/// Text of others on a terminal. A description, a name or an error's detail could hold escape sequences that move the cursor, rename the
/// window or hide what follows; line breaks that forge rows; or marks that reverse the direction of writing.
/// </summary>
internal static class TerminalText
{
    /// <summary>The text with everything that does not print as itself written out, as <c>\n</c> or <c>\u{1b}</c>.</summary>
    public static string Clean(string text)
    {
        if (!HasUnprintable(text)) return text;
        var clean = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            clean.Append(Prints(rune) ? rune.ToString() : rune.Value switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ => "\\u{" + rune.Value.ToString("x", CultureInfo.InvariantCulture) + "}",
            });
        }

        return clean.ToString();
    }

    /// <summary>Whether bytes are text that a terminal shows as it is; line breaks and tabs are.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var length) != System.Buffers.OperationStatus.Done) return false;
            if (!Prints(rune) && rune.Value is not ('\n' or '\t')) return false;
            bytes = bytes[length..];
        }

        return true;
    }

    private static bool HasUnprintable(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (!Prints(rune)) return true;
        }

        return false;
    }

    private static bool Prints(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
