using OrleansKms.Gateway.Logging;

namespace OrleansKms.Gateway.Configuration;

/// <summary>What a process logs, and how.</summary>
public sealed record LogSettings
{
    private static readonly Dictionary<string, LogLevel> _levels = new(StringComparer.Ordinal)
    {
        ["trace"] = LogLevel.Trace,
        ["debug"] = LogLevel.Debug,
        ["info"] = LogLevel.Information,
        ["warn"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
    };

    private static readonly Dictionary<string, LogFormat> _formats = new(StringComparer.Ordinal)
    {
        ["json"] = LogFormat.Json,
        ["text"] = LogFormat.Text,
    };

    /// <summary>LOG_LEVEL: trace, debug, info (the default), warn or error.</summary>
    public required LogLevel Level { get; init; }

    /// <summary>OKMS_LOG_FORMAT: json (the default) or text.</summary>
    public required LogFormat Format { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static LogSettings Read(SettingsReader reader) => new()
    {
        Level = reader.Choice("LOG_LEVEL", LogLevel.Information, _levels),
        Format = reader.Choice("OKMS_LOG_FORMAT", LogFormat.Json, _formats),
    };
}
