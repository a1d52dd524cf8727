using System.Diagnostics.CodeAnalysis;

namespace OrleansKms.Configuration;

/// <summary>A setting with typed values, and a default that is fixed or depends on the rest.</summary>
/// <typeparam name="T">The type.</typeparam>
/// <param name="name">The name.</param>
internal abstract class TypedSetting<T>(string name) : Setting(name)
    where T : struct
{
    private readonly T? _default;

    /// <summary>The default value. Throws where it depends on the rest.</summary>
    public T Default
    {
        get => _default ?? throw new InvalidOperationException($"{Name} has no fixed default.");
        init => _default = value;
    }

    /// <summary>The default in words, for a setting without a <see cref="Default"/>.</summary>
    public string? DefaultInWords { get; init; }

    /// <summary>The allowed values, where they depend on another setting.</summary>
    public string? RangeInWords { get; init; }

    /// <inheritdoc/>
    public sealed override string DefaultText => DefaultInWords ?? $"`{Format(Default)}`";

    /// <inheritdoc/>
    public sealed override string RangeText => RangeInWords ?? Range;

    /// <summary>The rule for a value, completing a sentence that ends in "must be".</summary>
    public abstract string Rule { get; }

    /// <summary>The values allowed by the setting's own rule, as documents write them.</summary>
    protected abstract string Range { get; }

    /// <summary>Reads a value.</summary>
    /// <returns>Whether the text keeps the rule.</returns>
    public abstract bool TryParse(string text, [NotNullWhen(true)] out T value);

    /// <summary>Writes a value as an operator would.</summary>
    protected abstract string Format(T value);
}
