namespace OrleansKms;

/// <summary>
/// Limits as one text, as messages to silos carry them: <see cref="LimitText"/>s with semicolons between them. What a
/// client sends is judged before objects are made of it, and lists of objects with numbers in them are not let through.
/// </summary>
internal static class LimitTexts
{
    /// <summary>Writes limits; null for null.</summary>
    public static string? Format(IReadOnlyList<LimitRule>? rules) => rules is null ? null : string.Join(';', rules.Select(LimitText.Format));

    /// <summary>Reads limits; null of null.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static IReadOnlyList<LimitRule>? Parse(string? text) => text switch
    {
        null => null,
        "" => [],
        _ => Array.ConvertAll(text.Split(';', KmsLimits.LimitRules + 1), LimitText.Parse),
    };
}
