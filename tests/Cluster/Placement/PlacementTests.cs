using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Core.Internal;
using Orleans.Placement.Rebalancing;
using Orleans.Runtime.Placement;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Clustering;
using OrleansKms.Silo.Configuration;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Processes;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Placement;

/// <summary>How keys spread over the silos of a cluster, with silos as the program makes them, in one process.</summary>
[Trait("Category", "Faults")]
[Collection(Alone.Name)]
public sealed class PlacementTests(ITestOutputHelper log) : IAsyncLifetime
{
    private const int Keys = 10_000;
    private const int Silos = 3;

    private static readonly TimeSpan TimeToEvenOut = TimeSpan.FromMinutes(5);
    private static readonly Caller Caller = new("test", "local", "-");

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("okms-test-");
    private readonly IHost[] _silos = new IHost[Silos];
    private readonly ConcurrentDictionary<string, long> _acknowledged = new();
    private string _database = null!;

    public async Task InitializeAsync()
    {
        _database = await Postgres.NewDatabase();
        for (var i = 0; i < Silos; i++) _silos[i] = await Start();
    }

    public async Task DisposeAsync()
    {
        foreach (var silo in _silos.OfType<IHost>())
        {
            await silo.StopAsync();
            silo.Dispose();
        }
        await Postgres.DropDatabase(_database);
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task TenThousandKeys_AreSpreadEvenly_AlsoAfterARollingRestart_AndNoneIsUnderCounted()
    {
        var ids = Enumerable.Range(0, Keys).Select(i => string.Create(CultureInfo.InvariantCulture, $"key-{i}")).ToList();
        await ForEach(ids, Create);
        await UseAll(ids, through: 0);
        await Report("created");
        Assert.True(await LargestShare() < 0.40);

        for (var i = 0; i < Silos; i++)
        {
            await _silos[i].StopAsync();
            _silos[i].Dispose();
            await UseAll(ids, through: (i + 1) % Silos);
            _silos[i] = await Start();
        }

        var since = Stopwatch.StartNew();
        await Report("restarted one by one");
        while (await LargestShare() > 0.45)
        {
            Assert.True(since.Elapsed < TimeToEvenOut, "The keys were not evened out in time.");
            await UseAll(ids, through: 0);
        }
        await Report(string.Create(CultureInfo.InvariantCulture, $"{since.Elapsed.TotalSeconds:0} s later"));

        await UseAll(ids, through: 1);
        await ForEach(ids, async id =>
        {
            var uses = (await Key(2, id).Describe(new(Caller))).Uses.Encrypt;
            Assert.True(uses >= _acknowledged[id], $"{id} was under-counted: {uses} < {_acknowledged[id]}");
        });
    }

    [Fact]
    public async Task KeyThatMoves_KeepsItsExactCountAndItsMaterial()
    {
        var ids = Enumerable.Range(0, 60).Select(i => string.Create(CultureInfo.InvariantCulture, $"key-{i}")).ToList();
        var ciphertexts = new ConcurrentDictionary<string, byte[]>();
        await ForEach(ids, async id =>
        {
            await Key(0, id).Create(new() { Caller = Caller });
            for (var i = 0; i < 3; i++) ciphertexts[id] = (await Key(0, id).Encrypt(new(Caller, [1, 2]))).Ciphertext;
        });
        var target = _silos[1].Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        RequestContext.Set(IPlacementDirector.PlacementHintKey, target);
        await Task.WhenAll(ids.Select(id => Key(0, id).AsReference<IGrainManagementExtension>().MigrateOnIdle().AsTask()));
        RequestContext.Clear();

        await ForEach(ids, async id =>
        {
            Assert.Equal((byte[])[1, 2], (await Key(2, id).Decrypt(new(Caller, ciphertexts[id]))).Plaintext);
            await Key(2, id).Encrypt(new(Caller, [3]));
            Assert.Equal(4, (await Key(2, id).Describe(new(Caller))).Uses.Encrypt);
        });
        Assert.Equal(ids.Count, (await Shares())[target.ToString()]);
    }

    [Fact]
    public async Task SiloWithoutItsDatabase_SuspendsTheMovingOfTheWholeCluster()
    {
        Assert.All(_silos, s => Assert.Single(s.Services.GetServices<IHostedService>().OfType<NoMovesWithoutDatabase>()));
        var rebalancer = _silos[0].Services.GetRequiredService<IActivationRebalancer>();
        Assert.Equal(RebalancerStatus.Executing, (await rebalancer.GetRebalancingReport(force: true)).Status);
        using var service = new NoMovesWithoutDatabase(
            _silos[1].Services.GetRequiredService<IActivationRebalancer>(), new NoDatabase(), TimeProvider.System, NullLogger<NoMovesWithoutDatabase>.Instance);
        await service.StartAsync(default);
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while ((await rebalancer.GetRebalancingReport(force: true)).Status != RebalancerStatus.Suspended) await Task.Delay(50, patience.Token);
        await service.StopAsync(default);
    }

    private IKeyGrain Key(int silo, string id) => _silos[silo].Services.GetRequiredService<IGrainFactory>().GetGrain<IKeyGrain>(id);

    private Task UseAll(IEnumerable<string> ids, int through) => ForEach(ids, async id =>
    {
        // A call that a leaving silo turns away is repeated, as a gateway does.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Key(through, id).Encrypt(new(Caller, [1]));
                _acknowledged.AddOrUpdate(id, 1, (_, n) => n + 1);
                return;
            }
            catch (Exception e) when (attempt < 20 && e is OrleansException or TimeoutException)
            {
                await Task.Yield();
            }
        }
    });

    /// <summary>Creates as a client does when many create at once: asks again while the database is too busy.</summary>
    private async Task Create(string id)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Key(0, id).Create(new() { Caller = Caller });
                return;
            }
            catch (KmsException e) when (e.Error == KmsError.KeyExists && attempt > 1)
            {
                // The attempt before was carried out after all.
                return;
            }
            catch (KmsException e) when (e.Error == KmsError.StorageUnavailable && attempt < 20)
            {
                await Task.Yield();
            }
        }
    }

    private static Task ForEach(IEnumerable<string> ids, Func<string, Task> act) => Parallel.ForEachAsync(
        ids, new ParallelOptions { MaxDegreeOfParallelism = 48 }, async (id, _) => await act(id));

    private async Task<Dictionary<string, int>> Shares()
    {
        var management = _silos[0].Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0);
        var statistics = await management.GetSimpleGrainStatistics();
        return statistics.Where(s => s.GrainType.StartsWith(typeof(KeyGrain).FullName!, StringComparison.Ordinal))
            .ToDictionary(s => s.SiloAddress.ToString(), s => s.ActivationCount);
    }

    private async Task<double> LargestShare()
    {
        var shares = await Shares();
        return (double)shares.Values.Max() / shares.Values.Sum();
    }

    private async Task Report(string when)
    {
        var shares = await Shares();
        log.WriteLine($"{when}: {string.Join(", ", shares.Select(s => $"{s.Key} {s.Value}"))} of {shares.Values.Sum()}");
    }

    private async Task<IHost> Start()
    {
        var settings = Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DATABASE_URL"] = Postgres.Url(_database),
            ["OKMS_INSECURE_CLUSTER_NETWORK"] = "true",
            ["OKMS_SILO_PORT"] = Text(ServiceProcess.FreePort()),
            ["OKMS_CLIENT_PORT"] = Text(ServiceProcess.FreePort()),
            // A busy machine must not look like a dead silo here.
            ["OKMS_PROBE_TIMEOUT"] = "PT20S",
        }).Build());
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo => silo
            .UseClusterSilo(settings)
            .AddKmsStorage(new KmsStorageOptions { DataDirectory = _directory.FullName, ConnectionString = _database })
            .AddKmsGrains(new KeyOptions()));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed class NoDatabase : IStorageHealth
    {
        public bool IsHealthy => false;
    }
}
