using System.Globalization;

namespace OrleansKms.Grains.Keys.History;

/// <summary>
/// A position in a walk down a key's history: where the next event is, and what it must be for the chain to hold. A page ends with it, so
/// that the next page is verified from there and not from the head again.
/// </summary>
/// <param name="Block">The block of the next event.</param>
/// <param name="Index">The event's index in it; -1 once the whole block has been read.</param>
/// <param name="Link">The next block of the chain; blocks above it belong to an abandoned one.</param>
/// <param name="Above">The block of the chain that the walk came from.</param>
/// <param name="Number">The number the chain's next event must have.</param>
/// <param name="Hash">The hash it must have.</param>
/// <param name="BrokenAt">The number of the first event that did not match; 0 for none.</param>
internal readonly record struct HistoryPlace(int Block, int Index, int Link, int Above, long Number, byte[] Hash, long BrokenAt)
{
    /// <summary>An index above that of every event in a block.</summary>
    public const int Last = int.MaxValue;

    private const int Parts = 6;
    private const char Broken = 'x';

    /// <summary>Parses what <see cref="ToString"/> writes.</summary>
    /// <returns>Null for anything else.</returns>
    public static HistoryPlace? TryParse(string text)
    {
        var parts = text.Split('.', Parts + 1);
        if (parts.Length != Parts || !TryRead(parts[0], out int block) || !TryRead(parts[1], out int index) || !TryRead(parts[2], out int link)
            || !TryRead(parts[3], out int above) || !TryRead(parts[4], out long number))
        {
            return null;
        }

        var last = parts[5];
        if (last is [Broken, .. var brokenAt])
        {
            return TryRead(brokenAt, out long at) && at > 0 ? new(block, index - 1, link, above, number, [], at) : null;
        }

        return last.Length == 2 * HistoryEventFormat.HashLength && last.All(char.IsAsciiHexDigitLower)
            ? new(block, index - 1, link, above, number, Convert.FromHexString(last), 0)
            : null;
    }

    /// <summary>The position as text for a cursor.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Block}.{Index + 1}.{Link}.{Above}.{Number}.{(BrokenAt > 0 ? $"{Broken}{BrokenAt}" : Convert.ToHexStringLower(Hash))}");

    /// <summary>The position below a block.</summary>
    public HistoryPlace Below() => this with { Block = Block - 1, Index = Last };

    private static bool TryRead<T>(string text, out T number)
        where T : struct, System.Numerics.IBinaryInteger<T> =>
        T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
