namespace OrleansKms.Configuration;

/// <summary>An ISO 8601 duration within bounds.</summary>
/// <param name="name">The name.</param>
internal sealed class DurationSetting(string name) : TypedSetting<TimeSpan>(name)
{
    /// <summary>The shortest.</summary>
    public required TimeSpan Min { get; init; }

    /// <summary>The longest.</summary>
    public required TimeSpan Max { get; init; }

    /// <inheritdoc/>
    public override string Rule => $"an ISO 8601 duration from {Format(Min)} to {Format(Max)}, for example {Format(Default)}";

    /// <inheritdoc/>
    protected override string Range => $"`{Format(Min)}` to `{Format(Max)}`";

    /// <summary>Whether the bounds allow a duration.</summary>
    public bool Allows(TimeSpan duration) => duration >= Min && duration <= Max;

    /// <inheritdoc/>
    public override bool TryParse(string text, out TimeSpan value) => Iso8601Duration.TryParse(text, out value) && Allows(value);

    /// <inheritdoc/>
    protected override string Format(TimeSpan value) => Iso8601Duration.Format(value);
}
