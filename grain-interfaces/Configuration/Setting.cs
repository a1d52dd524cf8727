namespace OrleansKms.Configuration;

/// <summary>A setting: one row of <see cref="SettingTable"/>.</summary>
/// <param name="name">The name in the environment and in appsettings.json.</param>
internal abstract class Setting(string name)
{
    /// <summary>The name in the environment and in appsettings.json.</summary>
    public string Name { get; } = name;

    /// <summary>What it is, in one line.</summary>
    public required string Meaning { get; init; }

    /// <summary>Which processes take it.</summary>
    public SettingTaker Taker { get; init; }

    /// <summary>The part of the process that it affects.</summary>
    public SettingPart Part { get; init; }

    /// <summary>The default, as documents write it.</summary>
    public abstract string DefaultText { get; }

    /// <summary>The allowed values, as documents write them.</summary>
    public abstract string RangeText { get; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
