using OrleansKms.Gateway.Hosting;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Keys;
using OrleansKms.Silo.Clustering;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>A silo as a process: all in one, or of a cluster.</summary>
internal static class SiloService
{
    /// <summary>Serves until it is told to stop.</summary>
    /// <returns>The process's exit code.</returns>
    public static Task<int> Run() => StartGuard.Run(async () =>
    {
        ProcessHardening.Apply();
        EmbeddedSqlite.Use();
        var builder = WebApplication.CreateSlimBuilder();
        var settings = Settings.Read(builder.Configuration);
        if (settings.IsAllInOne) settings.PrepareDataDirectory();
        var token = settings.IsAllInOne ? TokenFile.OpenAdministrator(settings.DataDirectory) : null;
        var metricsToken = settings.IsAllInOne && settings.Http.MetricsTokenFile is null ? TokenFile.OpenMetrics(settings.DataDirectory) : null;

        builder.UseLogLines(settings.Log);
        builder.ExportTelemetry(settings.Telemetry, "okms-silo");
        builder.Services.AddSingleton<IChangeSink, ChangesInTheLog>();
        builder.ListenOn(settings.Http);
        builder.StopWithin(settings.Http);
        builder.StartBehindServer(settings, silo => silo
            .UseCluster(settings)
            .UseTimeouts(settings)
            .BoundQueues(settings)
            .PropagateTraces(settings)
            .AddKmsStorage(settings.ToStorageOptions())
            .AddKmsGrains(settings.ToKeyOptions())
            .AddKmsAudit(settings.Audit)
            .AddAdministrator(token)
            .AddDashboardPage(settings));
        builder.Services.AddKmsGateway(settings.ToGatewayOptions(token, metricsToken));

        var app = builder.Build();
        app.MapRoutes(settings);
        app.MapDashboardPage(settings);
        app.Announce();
        app.WarnOfSettingsWithoutEffect(settings);
        token?.Announce(app, "administrator's token");
        metricsToken?.Announce(app, "token for /metrics");
        app.Welcome(token);
        ShutdownWatchdog.Arm(app.Lifetime, settings.Http);
        QuietMemory.GiveBackWhenQuiet(app.Lifetime);
        await app.RunUntilStopped();
    });
}
