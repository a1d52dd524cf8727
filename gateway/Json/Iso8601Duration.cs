using System.Buffers;
using System.Globalization;
using System.Text;

namespace OrleansKms.Gateway.Json;

/// <summary>
/// Durations of ISO 8601 in weeks, days, hours, minutes and seconds, as in <c>P90D</c>, <c>PT1H</c>, <c>P1W</c>. Years and
/// months are refused: how long they are depends on where they begin.
/// </summary>
internal static class Iso8601Duration
{
    private const int MaxLength = 32;
    private static readonly SearchValues<char> _number = SearchValues.Create("0123456789.");

    /// <summary>Reads a duration of zero or more.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        if (text.Length is < 3 or > MaxLength || text[0] != 'P')
        {
            return false;
        }

        text = text[1..];
        var designators = "WDHMS".AsSpan();
        var time = false;
        var ticks = 0m;
        while (!text.IsEmpty)
        {
            if (text[0] == 'T' && !time)
            {
                time = true;
                text = text[1..];
                designators = "HMS";
                if (text.IsEmpty)
                {
                    return false;
                }
            }

            if (!TryParsePart(ref text, ref designators, time, ref ticks))
            {
                return false;
            }
        }

        // Nothing is rounded: a fraction of a tick (100 ns) that was given would be lost.
        if (ticks > long.MaxValue || ticks != decimal.Truncate(ticks))
        {
            return false;
        }

        duration = new TimeSpan((long)ticks);
        return true;
    }

    /// <summary>Writes a duration in days, hours, minutes and seconds.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "PT0S";
        }

        var text = new StringBuilder("P");
        Append(text, duration.Days, 'D');
        if (duration.Ticks % TimeSpan.TicksPerDay != 0)
        {
            text.Append('T');
            Append(text, duration.Hours, 'H');
            Append(text, duration.Minutes, 'M');
            Append(text, duration.Seconds + (duration.Ticks % TimeSpan.TicksPerSecond) / (decimal)TimeSpan.TicksPerSecond, 'S');
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, decimal amount, char designator)
    {
        if (amount != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{amount:0.#######}{designator}");
        }
    }

    // Each designator at most once and in order: what is read is cut off the list of those that may follow.
    private static bool TryParsePart(ref ReadOnlySpan<char> text, ref ReadOnlySpan<char> designators, bool time, ref decimal ticks)
    {
        var length = text.IndexOfAnyExcept(_number);
        if (length is < 1 or > 20)
        {
            return false;
        }

        var position = designators.IndexOf(text[length]);
        if (position < 0 || (!time && text[length] is not ('W' or 'D')))
        {
            return false;
        }

        var style = text[length] == 'S' ? NumberStyles.AllowDecimalPoint : NumberStyles.None;
        var amountText = text[..length];
        if (!char.IsAsciiDigit(amountText[0]) || !char.IsAsciiDigit(amountText[^1])
            || !decimal.TryParse(amountText, style, CultureInfo.InvariantCulture, out var amount)
            || amount > 1_000_000_000_000)
        {
            return false;
        }

        ticks += amount * TicksOf(text[length]);
        designators = designators[(position + 1)..];
        text = text[(length + 1)..];
        return true;
    }

    private static long TicksOf(char designator) => designator switch
    {
        'W' => 7 * TimeSpan.TicksPerDay,
        'D' => TimeSpan.TicksPerDay,
        'H' => TimeSpan.TicksPerHour,
        'M' => TimeSpan.TicksPerMinute,
        _ => TimeSpan.TicksPerSecond,
    };
}
