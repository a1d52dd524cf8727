using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansKms.Grains.Audit;

/// <summary>Where a record stands among all that can be searched.</summary>
/// <param name="RecordedAt">Its time, as records write it.</param>
/// <param name="LogId">Its log.</param>
/// <param name="Sequence">Its number there.</param>
internal readonly partial record struct AuditPlace(string RecordedAt, string LogId, long Sequence)
{
    /// <summary>A time as records write it: with all its digits, so that times sort as texts.</summary>
    public static string TextOf(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    /// <summary>Reads a place; null where the text is none.</summary>
    public static AuditPlace? Parse(string text) => Form().Match(text) is { Success: true } parts
        && long.TryParse(parts.Groups["sequence"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
        ? new(parts.Groups["at"].Value.Replace('_', ':'), parts.Groups["log"].Value, sequence)
        : null;

    /// <summary>The place as a text of the letters that keys' ids have.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{RecordedAt.Replace(':', '_')}_{LogId}_{Sequence}");

    [GeneratedRegex("^(?<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}_[0-9]{2}_[0-9.]+Z)_(?<log>[0-9]{8}T[0-9]{9}-[0-9a-f]{8})_(?<sequence>[0-9]{1,18})$", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
