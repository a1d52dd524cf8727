using System.Globalization;

namespace OrleansKms;

/// <summary>A limit as one text, for messages that carry several: <c>1000 PT1M use</c>.</summary>
internal static class LimitText
{
    /// <summary>Writes a limit.</summary>
    public static string Format(LimitRule rule) =>
        string.Create(CultureInfo.InvariantCulture, $"{rule.Count} {Iso8601Duration.Format(rule.Per)} {rule.Of}");

    /// <summary>Parses a limit.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static LimitRule Parse(string? text)
    {
        var parts = (text ?? "").Split(' ');
        return parts.Length == 3 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && Iso8601Duration.TryParse(parts[1], out var per)
            ? new(count, per, parts[2])
            : throw KmsError.InvalidParameter.Exception("A limit is not well formed.");
    }
}
