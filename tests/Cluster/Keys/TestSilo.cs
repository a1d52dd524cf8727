using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Storage;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// One silo in the test's process, a cluster of its own, on the real storage. Two of them on one database give two
/// activations of one key, which a sound cluster would not.
/// </summary>
internal sealed class TestSilo : IAsyncDisposable
{
    private readonly IHost _host;
    private bool _isStopped;

    private TestSilo(IHost host, Gate gate)
    {
        _host = host;
        Gate = gate;
    }

    public static Caller Caller { get; } = new("test", "local", "request-1");

    public Gate Gate { get; }

    public IServiceProvider Services => _host.Services;

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    public IGrainStorage Rows => Services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Sealed);

    public Everybody Principals => (Everybody)Services.GetRequiredService<IPrincipalStanding>();

    public Fence Fence => Services.GetRequiredService<Fence>();

    public static async Task<TestSilo> Start(
        KmsStorageOptions storage, string serviceId = "okms-test", TimeProvider? time = null, KeyOptions? keys = null,
        string? clusterId = null, int clientPort = 0, Action<IServiceCollection>? services = null, ChangeLog? log = null, AuditOptions? audit = null,
        Action<ISiloBuilder>? transport = null)
    {
        var gate = new Gate();
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Error).AddConsole();
        if (log is not null)
        {
            builder.Logging.AddProvider(log).AddFilter<ChangeLog>("OrleansKms.Grains", LogLevel.Information);
        }

        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(ServiceProcess.FreePort(), clientPort, serviceId: serviceId, clusterId: clusterId ?? Guid.NewGuid().ToString("N"));
            silo.Configure<ClusterOptions>(o => o.ServiceId = serviceId);
            transport?.Invoke(silo);
            silo.AddKmsStorage(storage);
            silo.AddKmsGrains(keys ?? new() { MinDeletionDelay = TimeSpan.Zero });
            if (audit is not null)
            {
                silo.AddKmsAudit(audit);
            }

            Gated(silo.Services, gate);
            silo.Services.AddSingleton<IPrincipalStanding>(new Everybody());
            if (time is not null)
            {
                silo.Services.AddKeyedSingleton(ClockNames.Keys, time);
                silo.Services.AddSingleton<ReferenceClock>(new AgreeingClock(time));
            }

            services?.Invoke(silo.Services);
        });
        var host = builder.Build();
        await host.StartAsync();
        return new(host, gate);
    }

    public IKeyGrain Key(string id) => Grains.GetGrain<IKeyGrain>(id);

    public IKeyVersionsGrain Versions(string id) => Grains.GetGrain<IKeyVersionsGrain>(id);

    /// <summary>Destroys a version at once, where nothing keeps it longer.</summary>
    public async Task<KeyDescription> DestroyVersion(string id, int version)
    {
        var key = await Versions(id).ScheduleDestruction(new(Caller, version, TimeSpan.Zero));
        while (key.Versions.Single(v => v.Version == version).State != KeyVersionState.Destroyed)
        {
            // Due as soon as both clocks say so, and done by whoever looks at the key then.
            key = await Key(id).Describe(new(Caller));
        }

        return key;
    }

    public Task<KeyDescription> Create(string id, RotationPlan? rotation = null, string spec = "AES_256_GCM") =>
        Key(id).Create(new() { Caller = Caller, Spec = spec, Rotation = rotation });

    /// <summary>Ends the silo as a crash would: nothing is deactivated, no counter is written.</summary>
    public async Task Kill()
    {
        _isStopped = true;
        await Record.ExceptionAsync(() => _host.StopAsync(new CancellationToken(canceled: true)));
        _host.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (_isStopped)
        {
            return;
        }

        _isStopped = true;
        Gate.HoldAt(-1);
        await _host.StopAsync();
        _host.Dispose();
    }

    /// <summary>A database whose clock goes with the one that the test moves.</summary>
    private sealed class AgreeingClock(TimeProvider time) : ReferenceClock
    {
        public override string Name => "the test's clock";

        public override bool IsIndependent => true;

        public override Task<DateTimeOffset> Now(CancellationToken cancellationToken) => Task.FromResult(time.GetUtcNow());
    }

    /// <summary>The tests of grains make up who calls.</summary>
    internal sealed class Everybody : IPrincipalStanding
    {
        /// <summary>Who may not any more; null for nobody.</summary>
        public string? Fallen { get; set; }

        public ValueTask<bool> May(string principal, string? source, KmsOperation operation, string keyId, KeyFacts facts) => new(principal != Fallen);
    }

    private static void Gated(IServiceCollection services, Gate gate)
    {
        var real = services.Last(d => d.ServiceType == typeof(IGrainStorage) && Equals(d.ServiceKey, StorageNames.Sealed));
        services.Remove(real);
        services.AddKeyedSingleton<IGrainStorage>(StorageNames.Sealed, (provider, key) => new GatedStorage(
            (IGrainStorage)(real.KeyedImplementationInstance
                ?? real.KeyedImplementationFactory?.Invoke(provider, key)
                ?? ActivatorUtilities.CreateInstance(provider, real.KeyedImplementationType!)), gate));
    }
}
