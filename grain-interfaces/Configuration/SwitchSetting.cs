namespace OrleansKms.Configuration;

/// <summary>On or off.</summary>
/// <param name="name">The name.</param>
internal sealed class SwitchSetting(string name) : TypedSetting<bool>(name)
{
    /// <inheritdoc/>
    public override string Rule => "true or false";

    /// <inheritdoc/>
    protected override string Range => "`true` or `false`";

    /// <inheritdoc/>
    public override bool TryParse(string text, out bool value)
    {
        value = text.Equals("true", StringComparison.OrdinalIgnoreCase);
        return value || text.Equals("false", StringComparison.OrdinalIgnoreCase);
    }

    /// <inheritdoc/>
    protected override string Format(bool value) => value ? "true" : "false";
}
