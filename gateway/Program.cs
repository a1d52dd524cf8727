using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Hosting;

if (HealthCheck.IsAskedBy(args)) return await HealthCheck.Run();
if (args.Length > 0) return await GatewayCommands.Run(args);
return await StartGuard.Run(async () =>
{
    ProcessHardening.Apply();
    var builder = WebApplication.CreateSlimBuilder();
    var settings = GatewaySettings.Read(builder.Configuration);

    builder.UseLogLines(settings.Log);
    builder.ListenOn(settings.Http);
    builder.StopWithin(settings.Http);
    builder.UseClusterClient(settings);
    builder.Services.AddKmsGateway(settings.ToGatewayOptions());

    var app = builder.Build();
    app.MapKmsGateway();
    app.Announce();
    ShutdownWatchdog.Arm(app.Lifetime, settings.Http);
    StartMemory.GiveBackWhenQuiet(app.Lifetime);
    await app.RunUntilStopped();
});
