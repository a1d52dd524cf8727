using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Membership;
using Orleans.Runtime.MembershipService;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>The membership table through the provider, on a real Postgres.</summary>
[Trait("database", "postgres")]
public sealed class MembershipConformance(PostgresFixture fixture) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    // Each test is a cluster of its own.
    private readonly string _clusterId = Guid.NewGuid().ToString("N");
    private int _generation;
    private AdoNetClusteringTable _table = null!;

    // Postgres keeps microseconds.
    private static DateTime Now
    {
        get
        {
            var now = DateTime.UtcNow;
            return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        }
    }

    public async Task InitializeAsync() => _table = await OpenTable(_clusterId);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Empty_HasAVersionAndNoSilo()
    {
        var all = await _table.ReadAllAsync();

        Assert.Empty(all.Members);
        Assert.Equal(0, all.Version.Version);
        Assert.Empty((await _table.ReadRowAsync(Entry().SiloAddress)).Members);
    }

    [Fact]
    public async Task Initialize_Again_KeepsWhatIsThere()
    {
        Assert.True(await Insert(Entry()));

        await OpenTable(_clusterId);

        var all = await _table.ReadAllAsync();
        Assert.Single(all.Members);
        Assert.Equal(1, all.Version.Version);
    }

    [Fact]
    public async Task Insert_ThenRead_ReturnsTheSilo()
    {
        var entry = Entry();

        Assert.True(await Insert(entry));

        var (read, version) = await Read(entry);
        AssertSame(entry, read);
        Assert.Equal(1, version.Version);
        AssertSame(entry, Assert.Single((await _table.ReadAllAsync()).Members).Item1);
    }

    [Fact]
    public async Task Insert_TheSameSiloTwice_IsRefusedAndChangesNothing()
    {
        var entry = Entry();
        Assert.True(await Insert(entry));

        Assert.False(await Insert(entry));

        Assert.Equal(1, (await _table.ReadAllAsync()).Version.Version);
    }

    [Fact]
    public async Task Insert_AtAnOlderVersion_IsRefused()
    {
        var old = (await _table.ReadAllAsync()).Version.Next();
        Assert.True(await Insert(Entry()));

        Assert.False(await _table.InsertRowAsync(Entry(), old));

        Assert.Single((await _table.ReadAllAsync()).Members);
    }

    [Fact]
    public async Task Update_ChangesStatusSuspicionsAndVersion()
    {
        var entry = Entry();
        await Insert(entry);
        var (read, version) = await Read(entry);
        read.Status = SiloStatus.Dead;
        read.AddSuspector(Entry().SiloAddress, DateTime.UtcNow);
        read.AddSuspector(Entry().SiloAddress, DateTime.UtcNow);

        Assert.True(await _table.UpdateRowAsync(read, version.VersionEtag, version.Next()));

        var (updated, next) = await Read(entry);
        Assert.Equal(SiloStatus.Dead, updated.Status);
        Assert.Equal(read.SuspectTimes!.Select(s => s.Item1), updated.SuspectTimes!.Select(s => s.Item1));
        Assert.Equal(2, next.Version);
    }

    [Fact]
    public async Task Update_AtAnOlderVersion_IsRefusedAndChangesNothing()
    {
        var entry = Entry();
        await Insert(entry);
        var (read, version) = await Read(entry);
        await Insert(Entry());
        read.Status = SiloStatus.Dead;

        Assert.False(await _table.UpdateRowAsync(read, version.VersionEtag, version.Next()));

        Assert.Equal(SiloStatus.Active, (await Read(entry)).Entry.Status);
    }

    [Fact]
    public async Task Update_OfASiloThatIsNotThere_IsRefusedAndChangesNothing()
    {
        var version = (await _table.ReadAllAsync()).Version;

        Assert.False(await _table.UpdateRowAsync(Entry(), version.VersionEtag, version.Next()));

        Assert.Equal(0, (await _table.ReadAllAsync()).Version.Version);
    }

    [Fact]
    public async Task Update_WithAnOlderSignOfLife_KeepsTheNewer()
    {
        var entry = Entry();
        await Insert(entry);
        var (stale, version) = await Read(entry);
        var alive = Entry(entry.SiloAddress);
        alive.IAmAliveTime = Now.AddSeconds(10);
        await _table.UpdateIAmAliveAsync(alive);

        Assert.True(await _table.UpdateRowAsync(stale, version.VersionEtag, version.Next()));

        Assert.Equal(alive.IAmAliveTime, (await Read(entry)).Entry.IAmAliveTime);
    }

    [Fact]
    public async Task SignOfLife_ChangesTheTimeAndNotTheVersion()
    {
        var entry = Entry();
        await Insert(entry);
        entry.IAmAliveTime = Now.AddMinutes(1);
        entry.Status = SiloStatus.Dead;

        await _table.UpdateIAmAliveAsync(entry);

        var (read, version) = await Read(entry);
        Assert.Equal(entry.IAmAliveTime, read.IAmAliveTime);
        Assert.Equal(SiloStatus.Active, read.Status);
        Assert.Equal(1, version.Version);
    }

    [Fact]
    public async Task InsertsThatRace_EachVersionGoesToOne()
    {
        var results = await Race(12, async version => await _table.InsertRowAsync(Entry(), version));

        var all = await _table.ReadAllAsync();
        Assert.Equal(results.Count(won => won), all.Members.Count);
        Assert.Equal(all.Members.Count, all.Version.Version);
        Assert.Single(results, won => won);
    }

    [Fact]
    public async Task UpdatesThatRace_OneWins()
    {
        var entry = Entry();
        await Insert(entry);

        var results = await Race(12, async version =>
        {
            var mine = Entry(entry.SiloAddress);
            mine.Status = SiloStatus.Dead;
            return await _table.UpdateRowAsync(mine, version.VersionEtag, version);
        });

        Assert.Single(results, won => won);
        Assert.Equal(2, (await _table.ReadAllAsync()).Version.Version);
    }

    [Fact]
    public async Task RacersThatReadAgain_AllComeIn()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            var entry = Entry();
            while (!await Insert(entry))
            {
            }
        }));

        var all = await _table.ReadAllAsync();
        Assert.Equal(8, all.Members.Count);
        Assert.Equal(8, all.Version.Version);
    }

    [Fact]
    public async Task Cleanup_RemovesTheLongDeadOnly()
    {
        var old = Now.AddDays(-8);
        var (longDead, freshDead, longActive) = (Entry(), Entry(), Entry());
        (longDead.Status, longDead.StartTime, longDead.IAmAliveTime) = (SiloStatus.Dead, old, old);
        (freshDead.Status, freshDead.StartTime) = (SiloStatus.Dead, old);
        (longActive.StartTime, longActive.IAmAliveTime) = (old, old);
        foreach (var entry in (MembershipEntry[])[longDead, freshDead, longActive]) Assert.True(await Insert(entry));

        await _table.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UtcNow.AddDays(-7));

        var left = (await _table.ReadAllAsync()).Members.Select(m => m.Item1.SiloAddress).Order();
        Assert.Equal(new[] { freshDead.SiloAddress, longActive.SiloAddress }.Order(), left);
    }

    [Fact]
    public async Task Cleanup_KeepsASiloThatWasSuspectedLately()
    {
        var old = Now.AddDays(-8);
        var entry = Entry();
        (entry.StartTime, entry.IAmAliveTime) = (old, old);
        await Insert(entry);
        var (read, version) = await Read(entry);
        read.Status = SiloStatus.Dead;
        read.AddSuspector(Entry().SiloAddress, DateTime.UtcNow);
        Assert.True(await _table.UpdateRowAsync(read, version.VersionEtag, version.Next()));

        await _table.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UtcNow.AddDays(-7));
        Assert.Single((await _table.ReadAllAsync()).Members);

        await _table.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UtcNow.AddDays(1));
        Assert.Empty((await _table.ReadAllAsync()).Members);
    }

    [Fact]
    public async Task Delete_RemovesThisClusterOnly()
    {
        var other = await OpenTable(Guid.NewGuid().ToString("N"));
        await Insert(Entry());
        Assert.True(await other.InsertRowAsync(Entry(), (await other.ReadAllAsync()).Version.Next()));

        await _table.DeleteMembershipTableEntriesAsync(_clusterId);

        Assert.Single((await other.ReadAllAsync()).Members);
        await _table.InitializeMembershipTableAsync(tryInitTableVersion: true);
        Assert.Empty((await _table.ReadAllAsync()).Members);
    }

    [Fact]
    public async Task Gateways_AreTheActiveSilosWithAClientPort()
    {
        var (active, dead, withoutPort) = (Entry(), Entry(), Entry());
        dead.Status = SiloStatus.Dead;
        withoutPort.ProxyPort = 0;
        foreach (var entry in (MembershipEntry[])[active, dead, withoutPort]) Assert.True(await Insert(entry));
        var list = new AdoNetGatewayListProvider(
            NullLogger<AdoNetGatewayListProvider>.Instance, fixture.Silo.Services,
            Options.Create(new AdoNetClusteringClientOptions { Invariant = "Npgsql", DataSource = fixture.Silo.Database.Connections }),
            Options.Create(new GatewayOptions()), Options.Create(new ClusterOptions { ClusterId = _clusterId }));
        await list.InitializeGatewayListProvider();

        var gateway = Assert.Single(await list.GetGateways());

        Assert.Equal(active.SiloAddress.Endpoint.Address.ToString(), gateway.Host);
        Assert.Equal(active.ProxyPort, gateway.Port);
    }

    private async Task<AdoNetClusteringTable> OpenTable(string clusterId)
    {
        var table = new AdoNetClusteringTable(
            fixture.Silo.Services, Options.Create(new ClusterOptions { ClusterId = clusterId, ServiceId = "storage-tests" }),
            Options.Create(new AdoNetClusteringSiloOptions { Invariant = "Npgsql", DataSource = fixture.Silo.Database.Connections }),
            NullLogger<AdoNetClusteringTable>.Instance);
        await table.InitializeMembershipTableAsync(tryInitTableVersion: true);
        return table;
    }

    private async Task<bool> Insert(MembershipEntry entry) =>
        await _table.InsertRowAsync(entry, (await _table.ReadAllAsync()).Version.Next());

    private async Task<(MembershipEntry Entry, TableVersion Version)> Read(MembershipEntry entry)
    {
        var read = await _table.ReadRowAsync(entry.SiloAddress);
        return (Assert.Single(read.Members).Item1, read.Version);
    }

    // All of them from one version that they have read.
    private async Task<bool[]> Race(int racers, Func<TableVersion, Task<bool>> change)
    {
        var version = (await _table.ReadAllAsync()).Version.Next();
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = Enumerable.Range(0, racers).Select(async _ =>
        {
            await start.Task;
            return await change(version);
        }).ToArray();
        start.SetResult();
        return await Task.WhenAll(running);
    }

    private MembershipEntry Entry(SiloAddress? address = null) => new()
    {
        SiloAddress = address ?? SiloAddress.New(IPAddress.Parse("10.1.2.3"), 11111, Interlocked.Increment(ref _generation)),
        SiloName = "silo",
        HostName = "host",
        Status = SiloStatus.Active,
        ProxyPort = 30000,
        StartTime = Now,
        IAmAliveTime = Now,
    };

    private static void AssertSame(MembershipEntry expected, MembershipEntry read)
    {
        Assert.Equal(expected.SiloAddress, read.SiloAddress);
        Assert.Equal(
            (expected.SiloName, expected.HostName, expected.Status, expected.ProxyPort),
            (read.SiloName, read.HostName, read.Status, read.ProxyPort));
        Assert.Equal((expected.StartTime, expected.IAmAliveTime), (read.StartTime, read.IAmAliveTime));
    }
}
