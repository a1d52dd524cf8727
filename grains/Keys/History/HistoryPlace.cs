using System.Globalization;

namespace OrleansKms.Grains.Keys.History;

/// <summary>
/// How far a walk down a key's history has come: where the next event is, and what it must be for the chain to hold. A page ends with it,
/// so that the next page is checked from there and not from the head anew.
/// </summary>
/// <param name="Block">The block of the next event.</param>
/// <param name="Index">The event's place in it; -1 where all of the block was seen.</param>
/// <param name="Link">The next block of the chain; what lies above it is of one that was left.</param>
/// <param name="Above">The chain's block that the walk came from.</param>
/// <param name="Number">The number that the chain's next event must have.</param>
/// <param name="Hash">The hash that it must have.</param>
/// <param name="BrokenAt">The number of the first event that was not as it must be; 0 while all were.</param>
internal readonly record struct HistoryPlace(int Block, int Index, int Link, int Above, long Number, byte[] Hash, long BrokenAt)
{
    /// <summary>An index before which there are all events of a block.</summary>
    public const int Last = int.MaxValue;

    private const int Parts = 6;
    private const char Broken = 'x';

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
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

    /// <summary>The place as a text that a cursor can carry.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Block}.{Index + 1}.{Link}.{Above}.{Number}.{(BrokenAt > 0 ? $"{Broken}{BrokenAt}" : Convert.ToHexStringLower(Hash))}");

    /// <summary>The place below a block.</summary>
    public HistoryPlace Below() => this with { Block = Block - 1, Index = Last };

    private static bool TryRead<T>(string text, out T number)
        where T : struct, System.Numerics.IBinaryInteger<T> =>
        T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
