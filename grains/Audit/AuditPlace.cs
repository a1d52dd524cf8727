using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansKms.Grains.Audit;

/// <summary>A record's position among all searchable records.</summary>
/// <param name="RecordedAt">Its time, in the records' format.</param>
/// <param name="LogId">Its log.</param>
/// <param name="Sequence">Its number in the log.</param>
internal readonly partial record struct AuditPlace(string RecordedAt, string LogId, long Sequence)
{
    /// <summary>A time in the records' format: with all digits, so that texts sort as times do.</summary>
    public static string TextOf(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    /// <summary>Parses a place; null if the text is not one.</summary>
    public static AuditPlace? Parse(string text) => Form().Match(text) is { Success: true } parts
        && long.TryParse(parts.Groups["sequence"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
        ? new(parts.Groups["at"].Value.Replace('_', ':'), parts.Groups["log"].Value, sequence)
        : null;

    /// <summary>The place as text, in the characters of key ids.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{RecordedAt.Replace(':', '_')}_{LogId}_{Sequence}");

    [GeneratedRegex("^(?<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}_[0-9]{2}_[0-9.]+Z)_(?<log>[0-9]{8}T[0-9]{9}-[0-9a-f]{8})_(?<sequence>[0-9]{1,18})$", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
