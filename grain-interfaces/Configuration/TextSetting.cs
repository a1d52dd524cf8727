namespace OrleansKms.Configuration;

/// <summary>Text: an address, a path, a name, a secret. Its reader checks it.</summary>
/// <param name="name">The name.</param>
/// <param name="range">The allowed values, as documents write them.</param>
internal sealed class TextSetting(string name, string range) : Setting(name)
{
    private readonly string? _default;

    /// <summary>The default value. Throws where there is none, or it depends on the rest.</summary>
    public string Default
    {
        get => _default ?? throw new InvalidOperationException($"{Name} has no fixed default.");
        init => _default = value;
    }

    /// <summary>The default in words, for a setting without a <see cref="Default"/>.</summary>
    public string DefaultInWords { get; init; } = "none";

    /// <inheritdoc/>
    public override string DefaultText => _default is null ? DefaultInWords : $"`{_default}`";

    /// <inheritdoc/>
    public override string RangeText => range;
}
