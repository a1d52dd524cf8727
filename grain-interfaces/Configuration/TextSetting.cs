namespace OrleansKms.Configuration;

/// <summary>Text: an address, a path, a name, a secret. Whoever reads it checks it.</summary>
/// <param name="name">The name.</param>
/// <param name="range">What it can be set to, as documents write it.</param>
internal sealed class TextSetting(string name, string range) : Setting(name)
{
    private readonly string? _default;

    /// <summary>What holds where it is not set. Throws where that is nothing, or depends on the rest.</summary>
    public string Default
    {
        get => _default ?? throw new InvalidOperationException($"{Name} has no fixed default.");
        init => _default = value;
    }

    /// <summary>In words, what holds where it is not set, for a setting without a <see cref="Default"/>.</summary>
    public string DefaultInWords { get; init; } = "none";

    /// <inheritdoc/>
    public override string DefaultText => _default is null ? DefaultInWords : $"`{_default}`";

    /// <inheritdoc/>
    public override string RangeText => range;
}
