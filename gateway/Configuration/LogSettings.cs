using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>What a process logs, and how.</summary>
public sealed record LogSettings
{
    /// <summary>LOG_LEVEL.</summary>
    public required LogLevel Level { get; init; }

    /// <summary>OKMS_LOG_FORMAT.</summary>
    public required LogFormat Format { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static LogSettings Read(SettingsReader reader)
    {
        var level = reader.Word(SettingTable.LogLevel);
        return new()
        {
            Level = Enum.GetValues<LogLevel>().First(l => LevelNames.Of(l) == level),
            Format = Enum.Parse<LogFormat>(reader.Word(SettingTable.LogFormat), ignoreCase: true),
        };
    }
}
