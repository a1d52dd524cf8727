namespace OrleansKms.Silo.Hosting;

/// <summary>What the silo says about its own start and stop.</summary>
internal static partial class StartMessages
{
    /// <summary>Says where the new token is; never the token.</summary>
    [LoggerMessage(1, LogLevel.Information, "A new administrator's token was written to {TokenPath}.")]
    public static partial void TokenWritten(ILogger logger, string tokenPath);

    /// <summary>The service answers.</summary>
    [LoggerMessage(2, LogLevel.Information, "OrleansKms {Version} is ready at {Addresses}.")]
    public static partial void Ready(ILogger logger, string version, string addresses);

    /// <summary>The stop began.</summary>
    [LoggerMessage(3, LogLevel.Information, "Stopping: requests in flight finish and counters are written.")]
    public static partial void Stopping(ILogger logger);
}
