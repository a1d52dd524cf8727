using System.Globalization;

namespace OrleansKms;

/// <summary>
/// Limits as one text, as messages to silos carry them: <c>1000 PT1M use;5 PT1S keys:encrypt</c>. What a client sends is judged before
/// objects are made of it, and lists of objects with numbers in them are not let through.
/// </summary>
internal static class LimitTexts
{
    /// <summary>Writes limits; null for null.</summary>
    public static string? Format(IReadOnlyList<LimitRule>? rules) => rules is null ? null : string.Join(';', rules.Select(rule =>
        string.Create(CultureInfo.InvariantCulture, $"{rule.Count} {Iso8601Duration.Format(rule.Per)} {rule.Of}")));

    /// <summary>Reads limits; null of null.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static IReadOnlyList<LimitRule>? Parse(string? text) => text switch
    {
        null => null,
        "" => [],
        _ => Array.ConvertAll(text.Split(';', KmsLimits.LimitRules + 1), ParseOne),
    };

    private static LimitRule ParseOne(string text)
    {
        var parts = text.Split(' ');
        return parts.Length == 3 && long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count)
            && Iso8601Duration.TryParse(parts[1], out var per)
            ? new(count, per, parts[2])
            : throw KmsError.InvalidParameter.Exception("A limit is not well formed.");
    }
}
