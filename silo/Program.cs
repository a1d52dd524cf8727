using OrleansKms.Gateway;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Gateway.Logging;
using OrleansKms.Grains;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Clustering;
using OrleansKms.Silo.Configuration;
using OrleansKms.Silo.Hosting;

if (HealthCheck.IsAskedBy(args)) return await HealthCheck.Run();
return await StartGuard.Run(async () =>
{
    ProcessHardening.Apply();
    var builder = WebApplication.CreateSlimBuilder(args);
    var settings = Settings.Read(builder.Configuration);
    DataDirectory.Prepare(settings.DataDirectory);
    var token = AdministratorToken.Open(settings.DataDirectory);

    builder.UseLogLines(settings.Log);
    builder.ListenOn(settings.Http);
    builder.StopWithin(settings.Http);
    builder.UseOrleans(silo => silo
        .UseSingleSilo(settings)
        .UseTimeouts(settings)
        .AddKmsStorage(settings.ToStorageOptions())
        .AddKmsGrains(settings.ToKeyOptions())
        .AddDashboardPage(settings));
    builder.Services.AddKmsGateway(settings.ToGatewayOptions(token));

    var app = builder.Build();
    app.MapKmsGateway();
    app.MapDashboardPage(settings);
    app.Announce();
    token.Announce(app);
    ShutdownWatchdog.Arm(app.Lifetime, settings.Http);
    await app.RunAsync();
});
