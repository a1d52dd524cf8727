using System.Reflection;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Reports that a process is up, and how it ends.</summary>
internal static class StartAndStop
{
    /// <summary>How much of the stop time is reserved for what follows the host's own stop.</summary>
    private const double HostShare = 0.9;

    /// <summary>Bounds the host's stop, so that it gives up before the watchdog forces it.</summary>
    public static void StopWithin(this WebApplicationBuilder builder, HttpSettings settings) =>
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.ShutdownTimeout * HostShare);

    /// <summary>Logs where the process answers, and that a stop began.</summary>
    public static void Announce(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms");
        app.Lifetime.ApplicationStarted.Register(() => StartMessages.Ready(logger, Version, Listening.Describe(app)));
        app.Lifetime.ApplicationStopping.Register(() => StartMessages.Stopping(logger));
    }

    /// <summary>Runs until the process is told to stop; a request to stop during the start is a clean stop too.</summary>
    public static async Task RunUntilStopped(this WebApplication app)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        try
        {
            await app.RunAsync();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The start has been abandoned.
        }
    }

    /// <summary>The program's version.</summary>
    public static string Version =>
        typeof(StartAndStop).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
