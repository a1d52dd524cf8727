namespace OrleansKms.Gateway.Hosting;

/// <summary>What a process logs about its own start and stop.</summary>
internal static partial class StartMessages
{
    /// <summary>The service is up.</summary>
    [LoggerMessage(2, LogLevel.Information, "OrleansKms {Version} listens at {Addresses}.")]
    public static partial void Ready(ILogger logger, string version, string addresses);

    /// <summary>The stop began.</summary>
    [LoggerMessage(3, LogLevel.Information, "Stopping: requests in flight finish first.")]
    public static partial void Stopping(ILogger logger);
}
