namespace OrleansKms;

/// <summary>
/// Limits as one text, for messages to silos: <see cref="LimitText"/>s separated by semicolons. Silos examine clients' messages before
/// deserialising them, and accept no lists of objects with numbers.
/// </summary>
internal static class LimitTexts
{
    /// <summary>Writes limits; null for null.</summary>
    public static string? Format(IReadOnlyList<LimitRule>? rules) => rules is null ? null : string.Join(';', rules.Select(LimitText.Format));

    /// <summary>Parses limits; null for null.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static IReadOnlyList<LimitRule>? Parse(string? text) => text switch
    {
        null => null,
        "" => [],
        _ => Array.ConvertAll(text.Split(';', KmsLimits.LimitRules + 1), LimitText.Parse),
    };
}
