using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>What a process logs, and how.</summary>
public sealed record LogSettings
{
    /// <summary>LOG_LEVEL.</summary>
    public required LogLevel Level { get; init; }

    /// <summary>OKMS_LOG_FORMAT; null leaves it to who reads: text for a person at a terminal, JSON for a program.</summary>
    public required LogFormat? Format { get; init; }

    /// <summary>The format of lines that go to a stream.</summary>
    /// <param name="isRedirected">Whether the stream is not a terminal.</param>
    public LogFormat FormatFor(bool isRedirected) => Format ?? (isRedirected ? LogFormat.Json : LogFormat.Text);

    /// <summary>OKMS_REQUEST_LOG: whether each request is logged.</summary>
    public required bool Requests { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static LogSettings Read(SettingsReader reader) => new()
    {
        Level = LevelNames.Named(reader.Word(SettingTable.LogLevel)),
        Format = reader.WordOrNull(SettingTable.LogFormat) is { } format ? Enum.Parse<LogFormat>(format, ignoreCase: true) : null,
        Requests = reader.Read(SettingTable.RequestLog),
    };
}
