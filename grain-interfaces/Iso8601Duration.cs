using System.Buffers;
using System.Xml;

namespace OrleansKms;

/// <summary>
/// The one dialect of durations, in requests and settings alike: ISO 8601 in days, hours, minutes and seconds, as in <c>P90D</c>
/// or <c>PT1H30M</c>. Only seconds take a fraction, of at most seven digits (100 ns). No sign, no white space, and no weeks,
/// months or years: the length of a month depends on where it begins, and the XML Schema form that .NET reads has no weeks.
/// </summary>
/// <remarks>Rows do not store this form, so the dialect can change without affecting stored keys.</remarks>
internal static class Iso8601Duration
{
    /// <summary>The rule; completes a sentence.</summary>
    public const string Rule = "an ISO 8601 duration in days, hours, minutes or seconds, as P90D or PT1H";

    private const int MaxLength = 32;
    private const int MaxFraction = 7;
    private static readonly SearchValues<char> _allowed = SearchValues.Create("0123456789.PTDHMS");

    /// <summary>Reads a duration of zero or more.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (!IsOurs(text)) return false;
        try
        {
            duration = XmlConvert.ToTimeSpan(text);
            return true;
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            return false;
        }
    }

    /// <summary>Writes a duration in days, hours, minutes and seconds.</summary>
    public static string Format(TimeSpan duration) => XmlConvert.ToString(duration);

    // Accepted by XmlConvert and refused here: white space, signs, years, months, and digits beyond the last that it keeps.
    private static bool IsOurs(string text)
    {
        if (text.Length > MaxLength || !text.StartsWith('P') || text.AsSpan().ContainsAnyExcept(_allowed)) return false;
        var date = text.IndexOf('T') is var time and >= 0 ? text.AsSpan(0, time) : text;
        if (date.Contains('M')) return false;
        // Seconds come last, so the fraction is what lies between the point and the S.
        var point = text.IndexOf('.');
        return point < 0 || (char.IsAsciiDigit(text[point - 1]) && text.Length - point - 2 is > 0 and <= MaxFraction);
    }
}
