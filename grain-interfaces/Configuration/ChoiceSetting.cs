namespace OrleansKms.Configuration;

/// <summary>One of a few words.</summary>
/// <param name="name">The name.</param>
/// <param name="words">The words, in lower case, in the order in which they are told.</param>
internal sealed class ChoiceSetting(string name, params string[] words) : Setting(name)
{
    /// <summary>What holds where it is not set.</summary>
    public required string Default { get; init; }

    /// <summary>The words.</summary>
    public IReadOnlyList<string> Words => words;

    /// <summary>The rule that a value must keep, as the rest of a sentence that begins with "must be".</summary>
    public string Rule => $"one of {string.Join(", ", words)}";

    /// <inheritdoc/>
    public override string DefaultText => $"`{Default}`";

    /// <inheritdoc/>
    public override string RangeText => string.Join(", ", words.Select(word => $"`{word}`"));
}
