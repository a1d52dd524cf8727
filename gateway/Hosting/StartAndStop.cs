using System.Reflection;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>How a process says that it is there, and how it goes.</summary>
internal static class StartAndStop
{
    /// <summary>How much of the time for a stop is kept for what follows the host's own stop.</summary>
    private const double HostShare = 0.9;

    /// <summary>Bounds the host's stop, so that it gives up before the watchdog forces it.</summary>
    public static void StopWithin(this WebApplicationBuilder builder, HttpSettings settings) =>
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.ShutdownTimeout * HostShare);

    /// <summary>Says where the process answers, and that a stop began.</summary>
    public static void Announce(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms");
        app.Lifetime.ApplicationStarted.Register(() => StartMessages.Ready(logger, Version, Listening.Describe(app)));
        app.Lifetime.ApplicationStopping.Register(() => StartMessages.Stopping(logger));
    }

    /// <summary>Runs until the process is told to stop; being told so while it still starts is a clean stop too.</summary>
    public static async Task RunUntilStopped(this WebApplication app)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        try
        {
            await app.RunAsync();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What was starting has been given up.
        }
    }

    private static string Version =>
        typeof(StartAndStop).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
