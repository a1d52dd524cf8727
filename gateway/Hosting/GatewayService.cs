using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>A gateway as a process of its own: a client of its cluster that serves HTTP.</summary>
internal static class GatewayService
{
    /// <summary>Serves until it is told to stop.</summary>
    /// <returns>The process's exit code.</returns>
    public static Task<int> Run() => StartGuard.Run(async () =>
    {
        ProcessHardening.Apply();
        var builder = WebApplication.CreateSlimBuilder();
        var settings = GatewaySettings.Read(builder.Configuration);

        builder.UseLogLines(settings.Log);
        builder.ExportTelemetry(settings.Telemetry, "okms-gateway");
        builder.ListenOn(settings.Http);
        builder.StopWithin(settings.Http);
        builder.UseClusterClient(settings);
        builder.Services.AddKmsGateway(settings.ToGatewayOptions());

        var app = builder.Build();
        app.MapKmsGateway();
        app.Announce();
        ShutdownWatchdog.Arm(app.Lifetime, settings.Http);
        QuietMemory.GiveBackWhenQuiet(app.Lifetime);
        await app.RunUntilStopped();
    });
}
