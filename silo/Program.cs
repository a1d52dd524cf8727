using OrleansKms.Gateway;
using OrleansKms.Grains;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Clustering;
using OrleansKms.Silo.Configuration;
using OrleansKms.Silo.Hosting;
using OrleansKms.Silo.Logging;

return await StartGuard.Run(async () =>
{
    ProcessHardening.Apply();
    var builder = WebApplication.CreateSlimBuilder(args);
    var settings = Settings.Read(builder.Configuration);
    DataDirectory.Prepare(settings.DataDirectory);
    var token = AdministratorToken.Open(settings.DataDirectory);

    builder.UseLogLines(settings);
    builder.ListenOn(settings);
    builder.StopWithin(settings);
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
    app.Announce(token);
    ShutdownWatchdog.Arm(app.Lifetime, settings);
    await app.RunAsync();
});
