using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Bench;

/// <summary>One silo, by default on a throw-away SQLite file, called from its own process; no dashboard, no gateway.</summary>
internal sealed class BenchSilo : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly DirectoryInfo _folder;

    private BenchSilo(IHost host, DirectoryInfo folder)
    {
        _host = host;
        _folder = folder;
    }

    public static Caller Caller { get; } = new("bench", "local", "-");

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public IServiceProvider Services => _host.Services;

    /// <param name="withFence">
    /// Whether keys are behind a fence, as they are in a cluster. Its polls find nothing and cost nothing here: what they cost
    /// does not grow with the number of operations.
    /// </param>
    /// <param name="hsm">The HSM; null for none.</param>
    /// <param name="connectionString">A Postgres; null for a throw-away SQLite file.</param>
    public static async Task<BenchSilo> Start(bool withFence = false, HsmOptions? hsm = null, string? connectionString = null)
    {
        var folder = Directory.CreateTempSubdirectory("okms-bench-");
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(FreePort(), gatewayPort: 0);
            silo.AddKmsStorage(new KmsStorageOptions { DataDirectory = folder.FullName, Hsm = hsm, ConnectionString = connectionString });
            silo.AddKmsGrains(new KeyOptions());
            if (withFence)
            {
                silo.Services.AddSingleton<BootClock>().AddSingleton<FenceQuery, NothingChanged>().AddSingleton<Fence>();
                silo.Services.AddHostedService(provider => provider.GetRequiredService<Fence>());
            }
        });
        var host = builder.Build();
        await host.StartAsync();
        return new(host, folder);
    }

    public Task<KeyDescription> Create(string id, KeyProtection protection = KeyProtection.Software) =>
        Grains.GetGrain<IKeyGrain>(id).Create(new() { Caller = Caller, Protection = protection });

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        _folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class NothingChanged(Database database, CurrentEpoch epoch, IOptions<ClusterOptions> cluster, ILocalSiloDetails silo)
    : FenceQuery(database, epoch, cluster, silo)
    {
        public override Task<FencePosition> Poll(FencePosition? last, Fence fence, CancellationToken cancellationToken) =>
            Task.FromResult(new FencePosition("bench", "0"));
    }
}
