using System.Diagnostics.CodeAnalysis;

namespace OrleansKms.Configuration;

/// <summary>A setting whose values have a type, and a fixed default or one that depends on the rest.</summary>
/// <typeparam name="T">The type.</typeparam>
/// <param name="name">The name.</param>
internal abstract class TypedSetting<T>(string name) : Setting(name)
    where T : struct
{
    private readonly T? _default;

    /// <summary>What holds where it is not set. Throws where that depends on the rest.</summary>
    public T Default
    {
        get => _default ?? throw new InvalidOperationException($"{Name} has no fixed default.");
        init => _default = value;
    }

    /// <summary>In words, what holds where it is not set, for a setting without a <see cref="Default"/>.</summary>
    public string? DefaultInWords { get; init; }

    /// <summary>What it can be set to, where that depends on another setting.</summary>
    public string? RangeInWords { get; init; }

    /// <inheritdoc/>
    public sealed override string DefaultText => DefaultInWords ?? $"`{Format(Default)}`";

    /// <inheritdoc/>
    public sealed override string RangeText => RangeInWords ?? Range;

    /// <summary>The rule that a value must keep, as the rest of a sentence that begins with "must be".</summary>
    public abstract string Rule { get; }

    /// <summary>What it can be set to by itself, as documents write it.</summary>
    protected abstract string Range { get; }

    /// <summary>Reads a value.</summary>
    /// <returns>Whether the text is one that the rule allows.</returns>
    public abstract bool TryParse(string text, [NotNullWhen(true)] out T value);

    /// <summary>Writes a value as an operator would.</summary>
    protected abstract string Format(T value);
}
