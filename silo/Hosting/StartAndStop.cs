using System.Reflection;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>How the service says that it is there, and how it goes.</summary>
internal static class StartAndStop
{
    /// <summary>How much of the time for a stop is kept for what follows the host's own stop.</summary>
    private const double HostShare = 0.9;

    /// <summary>Bounds the host's stop, so that it gives up before the watchdog forces it.</summary>
    public static void StopWithin(this WebApplicationBuilder builder, Settings settings)
    {
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.ShutdownTimeout * HostShare);
    }

    /// <summary>Says where the service answers, where a new token is, and that a stop began.</summary>
    public static void Announce(this WebApplication app, AdministratorToken token)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms.Silo");
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            if (token.IsNew) StartMessages.TokenWritten(logger, token.Path);
            StartMessages.Ready(logger, Version, Listening.Describe(app));
        });
        app.Lifetime.ApplicationStopping.Register(() => StartMessages.Stopping(logger));
    }

    private static string Version =>
        typeof(StartAndStop).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
