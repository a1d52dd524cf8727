using System.Globalization;

namespace OrleansKms.Configuration;

/// <summary>A whole number within bounds.</summary>
/// <param name="name">The name.</param>
internal sealed class NumberSetting(string name) : TypedSetting<long>(name)
{
    /// <summary>The smallest value.</summary>
    public required long Min { get; init; }

    /// <summary>The largest value.</summary>
    public required long Max { get; init; }

    /// <inheritdoc/>
    public override string Rule => $"a whole number from {Format(Min)} to {Format(Max)}";

    /// <inheritdoc/>
    protected override string Range => $"`{Format(Min)}` to `{Format(Max)}`";

    /// <summary>Whether the bounds allow a number.</summary>
    public bool Allows(long number) => number >= Min && number <= Max;

    /// <inheritdoc/>
    public override bool TryParse(string text, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && Allows(value);

    /// <inheritdoc/>
    protected override string Format(long value) => value.ToString(CultureInfo.InvariantCulture);
}
