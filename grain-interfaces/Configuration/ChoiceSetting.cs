namespace OrleansKms.Configuration;

/// <summary>One of a few words.</summary>
/// <param name="name">The name.</param>
/// <param name="words">The words, in lower case, in the order in which they are listed.</param>
internal sealed class ChoiceSetting(string name, params string[] words) : Setting(name)
{
    /// <summary>The default value.</summary>
    public required string Default { get; init; }

    /// <summary>The default in words, where it depends on the process.</summary>
    public string? DefaultInWords { get; init; }

    /// <summary>The words.</summary>
    public IReadOnlyList<string> Words => words;

    /// <summary>The rule for a value, completing a sentence that ends in "must be".</summary>
    public string Rule => $"one of {string.Join(", ", words)}";

    /// <inheritdoc/>
    public override string DefaultText => DefaultInWords ?? $"`{Default}`";

    /// <inheritdoc/>
    public override string RangeText => string.Join(", ", words.Select(word => $"`{word}`"));
}
