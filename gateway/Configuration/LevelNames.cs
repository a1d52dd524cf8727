namespace OrleansKms.Gateway.Configuration;

/// <summary>The log levels, by the names that LOG_LEVEL takes.</summary>
internal static class LevelNames
{
    /// <summary>The name of a level.</summary>
    public static string Of(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    /// <summary>The level of a name that LOG_LEVEL takes.</summary>
    public static LogLevel Named(string name) => Enum.GetValues<LogLevel>().First(level => Of(level) == name);
}
