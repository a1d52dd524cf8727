using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>
/// Somebody who owns the database writes the tables of KEKs: he has wraps from old backups and may know a KEK that leaked before it
/// was destroyed. Running silos and starts must not seal under what the root key does not vouch for.
/// </summary>
public abstract class RingConformance : IAsyncLifetime
{
    private const string Name = "note";

    private readonly TemporaryDirectory _directory = new();
    private KmsStorageOptions _options = null!;

    protected StorageSilo Silo { get; private set; } = null!;

    private KekRotation Rotation => Silo.Services.GetRequiredService<KekRotation>();

    private SiloPresence Presence => Silo.Services.GetRequiredService<SiloPresence>();

    private KekSweep Sweep => Silo.Services.GetServices<IHostedService>().OfType<KekSweep>().Single();

    private IRootKey Root => Silo.Services.GetRequiredService<IRootKey>();

    protected abstract Task<string?> CreateDatabase();

    protected abstract Task DropDatabase();

    public async Task InitializeAsync()
    {
        _options = new KmsStorageOptions
        {
            DataDirectory = _directory.Path,
            ConnectionString = await CreateDatabase(),
            PresenceInterval = TimeSpan.FromSeconds(20),
            ResealRate = 100_000,
        };
        Silo = await StorageSilo.Start(_options);
    }

    public async Task DisposeAsync()
    {
        await Silo.DisposeAsync();
        await DropDatabase();
        _directory.Delete();
    }

    [Fact]
    public async Task DestroyedKek_PutBackAndMadeCurrent_IsSealedUnderByNoSilo_RunningOrStartedAfterwards()
    {
        await Silo.Write("kept", Note("kept"), name: Name);
        var (leaked, wrapped) = (Silo.Ring.Current.Id, await Wrapped(Silo.Ring.Current.Id));
        var kek = await RotateAndDestroy();
        await PutBack(leaked, wrapped);
        await MakeCurrentBySql(leaked);

        await Presence.Beat(default);
        await RefusesToSealUnder(leaked, kek);
        Assert.Equal(KmsError.Conflict.Code, (await Assert.ThrowsAsync<KmsException>(() => Rotation.Begin(default))).Code);
        await Assert.ThrowsAsync<KmsException>(() => Rotation.Destroy(leaked, default));
        await Sweep.Run(default);

        await Restart();
        await RefusesToSealUnder(leaked, kek);

        await Silo.Execute("UPDATE okms_kek SET is_current = @no", ("no", false));
        await Silo.Execute("UPDATE okms_kek SET is_current = @yes WHERE kek_id = @id", ("yes", true), ("id", kek.ToBytes()));
        await Silo.Execute("DELETE FROM okms_kek WHERE kek_id = @id", ("id", leaked.ToBytes()));
        await Presence.Beat(default);
        Assert.Null(Silo.Ring.Problem);
        await Rotation.Begin(default);
    }

    [Fact]
    public async Task SupersededKek_MadeCurrentAgainBySql_IsNotTaken()
    {
        var old = Silo.Ring.Current.Id;
        var kek = await Rotate();
        await MakeCurrentBySql(old);

        await Presence.Beat(default);
        await RefusesToSealUnder(old, kek);
        await Restart();
        await RefusesToSealUnder(old, kek);
    }

    [Fact]
    public async Task KekThatTheRootWrappedForAnotherInstallation_IsNotOpened()
    {
        var kek = Silo.Ring.Current.Id;
        var foreign = new byte[32];
        foreign[0] = 1;
        var id = KekOpening.IdOf(foreign);
        foreach (var birth in (KekBirth?[])[new(new(0, 7), 1), null])
        {
            using var wrapped = birth?.With(foreign) ?? Secret(foreign);
            await Silo.Execute("DELETE FROM okms_kek WHERE kek_id = @id", ("id", id.ToBytes()));
            await PutBack(id, await Root.Wrap(id, wrapped, default));
            await Presence.Beat(default);
            Assert.Contains(id.ToString(), await Problem(), StringComparison.Ordinal);
            Assert.Null(Silo.Ring.Find(id));
            Assert.Null(await Silo.Ring.Reload(id, default));
        }

        await MakeCurrentBySql(id);
        await Presence.Beat(default);
        await RefusesToSealUnder(id, kek);
        await Restart();
        await RefusesToSealUnder(id, kek);
    }

    [Fact]
    public async Task ManifestPutBackFromEarlier_IsNotBelieved_RunningOrAtAStart()
    {
        var earlier = new List<(byte[] Manifest, byte[] Mac)> { await Manifest() };
        var (leaked, wrapped) = (Silo.Ring.Current.Id, await Wrapped(Silo.Ring.Current.Id));
        await Rotation.Begin(default);
        earlier.Add(await Manifest());
        await Presence.Beat(default);
        Assert.True(await Rotation.Promote(default));
        await Presence.Beat(default);
        await Silo.Write("kept", Note("kept"), name: Name);
        await Sweep.Run(default);
        await Rotation.Destroy(leaked, default);
        await Presence.Beat(default);
        var (kek, last) = (Silo.Ring.Current.Id, await Manifest());

        // With the KEK of that time, as it was then: only the manifest's own age can tell.
        await PutBack(leaked, wrapped);
        await MakeCurrentBySql(leaked);
        foreach (var manifest in earlier)
        {
            await SetManifest(manifest);
            await Presence.Beat(default);
            await RefusesToSealUnder(leaked, kek);
            Assert.Contains("older one", await Problem(), StringComparison.Ordinal);
            await Silo.DisposeAsync();
            Assert.Contains("older one that was put back", await RefusedStart(manifest), StringComparison.Ordinal);
            await StartWith(last);
            await RefusesToSealUnder(leaked, kek);
        }
    }

    [Fact]
    public async Task ManifestThatIsGone_OrNotOfThisRoot_IsNoticed_RunningAndAtAStart()
    {
        var (kek, good) = (Silo.Ring.Current.Id, await Manifest());
        var manifest = RingManifest.TryRead(good.Manifest)!;
        var other = (manifest with { Installation = new(0, 7), Generation = 9 }).ToBytes();
        foreach (var (bad, running, start) in new ((byte[], byte[])?, string, string)[]
        {
            (null, "is missing", "is missing"),
            ((good.Manifest, new byte[good.Mac.Length]), "not one that the root key vouches for", "does not vouch for the manifest"),
            (((manifest with { Generation = 9 }).ToBytes(), good.Mac), "not one that the root key vouches for", "does not vouch for the manifest"),
            ((other, await Root.Authenticate(other, default)), "another installation", "not that of the installation"),
        }.Select(c => (c.Item1, c.Item2, c.Item3)))
        {
            await SetManifest(bad);
            await Presence.Beat(default);
            Assert.Contains(running, await Problem(), StringComparison.Ordinal);
            Assert.Equal(kek, Silo.Ring.Current.Id);
            await Silo.Write(Guid.NewGuid().ToString("N"), Note("on"), name: Name);
            await Silo.DisposeAsync();
            Assert.Contains(start, await RefusedStart(bad), StringComparison.Ordinal);
            await StartWith(good);
            Assert.Null(await Problem());
        }
    }

    [Fact]
    public async Task DatabaseFromBeforeThereWereManifests_IsTrustedOnce_WhenTheFeatureLevelIsRaised()
    {
        await ForgetManifest();
        await Restart();
        Assert.Null(Silo.Ring.Manifest);
        var old = Silo.Ring.Current.Id;
        var kek = await Rotate();
        await Silo.Write("kept", Note("kept"), name: Name);
        Assert.Equal(0, await Silo.Count("okms_kek_manifest"));

        // Also without a manifest a silo does not go back to what it has seen go.
        await MakeCurrentBySql(old);
        await Presence.Beat(default);
        await RefusesToSealUnder(old, kek);
        await MakeCurrentBySql(kek);
        await Presence.Beat(default);
        Assert.Null(await Problem());

        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        await Presence.Beat(default);
        await Sweep.Run(default);
        Assert.Equal((kek, 1L), (Silo.Ring.Manifest!.Current, Silo.Ring.Manifest.Generation));
        Assert.Equal(RingState.Superseded, Silo.Ring.Manifest.Keks[old]);
        var made = await Manifest();

        // Once: whoever takes it away does not make a silo trust anew.
        await SetManifest(null);
        await Presence.Beat(default);
        await Sweep.Run(default);
        Assert.Contains("missing", await Problem(), StringComparison.Ordinal);
        await Silo.Execute("UPDATE okms_schema SET feature_level = 1");
        await Silo.DisposeAsync();
        Assert.Contains("is missing", await RefusedStart(null), StringComparison.Ordinal);
        await StartWith(made);
        Assert.Null(await Problem());
    }

    [Fact]
    public async Task DatabaseFromBeforeThereWereManifests_IsTrustedAtAStart_WhereTheLevelIsRaisedAlready()
    {
        await ForgetManifest();
        await Silo.Execute("UPDATE okms_schema SET feature_level = 3");
        await Restart();
        Assert.Equal(Silo.Ring.Current.Id, Silo.Ring.Manifest!.Current);
        Assert.Null(await Problem());
    }

    [Fact]
    public async Task RestoreEpoch_TakesTheManifestAboveAllThatWereLost()
    {
        var before = Silo.Ring.Manifest!;
        await Silo.Execute(
            "INSERT INTO okms_restore_epoch (number, version_base, started_at) VALUES (1, 100, CURRENT_TIMESTAMP)");
        var lost = (before with { Generation = 50 }).ToBytes();
        var mac = await Root.Authenticate(lost, default);
        await Restart();
        Assert.Equal((1, before.Generation + 1), (Silo.Ring.Manifest!.Epoch, Silo.Ring.Manifest.Generation));
        var renewed = await Manifest();

        // One of the lost history was vouched for, too.
        await SetManifest((lost, mac));
        await Presence.Beat(default);
        Assert.Contains("older one", await Problem(), StringComparison.Ordinal);

        await SetManifest(renewed);
        await Silo.Execute("DELETE FROM okms_restore_epoch");
        await Silo.DisposeAsync();
        Assert.Contains("restore epoch 1", await RefusedStart(renewed), StringComparison.Ordinal);
        await StartWith(renewed, "INSERT INTO okms_restore_epoch (number, version_base, started_at) VALUES (1, 100, CURRENT_TIMESTAMP)");
    }

    [Fact]
    public async Task TwoChangesAtOnce_OneWins_AndOfTheOtherNothingIsLeft()
    {
        using var elsewhere = ActivatorUtilities.CreateInstance<KekRing>(Silo.Services);
        await elsewhere.Open(0, default);
        var (id, manifest) = (await elsewhere.Add(default), Silo.Ring.Manifest!);
        var (mine, known) = (manifest.WithNew(new KekId(0, 1)).ToBytes(), await Manifest());
        var stale = new ManifestChange(
            Root.Id, new(manifest.ToBytes(), new byte[known.Mac.Length]), new(mine, await Root.Authenticate(mine, default)));

        var refusal = await Assert.ThrowsAsync<KmsException>(() => Silo.Services.GetRequiredService<KekStore>().Add(
            new KekId(0, 1), Root.Id, [1], isCurrent: true, stale, default));

        Assert.Equal(KmsError.Conflict.Code, refusal.Code);
        Assert.Equal(known.Mac, (await Manifest()).Mac);
        Assert.Equal(2, await Silo.Count("okms_kek"));
        await Presence.Beat(default);
        Assert.Null(await Problem());
        Assert.NotNull(Silo.Ring.Find(id));
    }

    private async Task RefusesToSealUnder(KekId refused, KekId current)
    {
        Assert.Equal(current, Silo.Ring.Current.Id);
        Assert.NotNull(await Problem());
        var id = Guid.NewGuid().ToString("N");
        await Silo.Write(id, Note("new"), name: Name);
        Assert.Equal(current, RowLayout.TryRead(await Silo.Payload(id, Name))!.Header.KekId);
        Assert.Equal("new", (await Silo.Read(id, Name)).State!.Text);
        Assert.Equal(0L, Convert.ToInt64(
            await Silo.Scalar("SELECT count(*) FROM okms_row WHERE kek_id = @id", ("id", refused.ToBytes())), System.Globalization.CultureInfo.InvariantCulture));
    }

    private Task<string?> Problem() => Task.FromResult(Silo.Services.GetRequiredService<IRingHealth>().Problem);

    private async Task<KekId> Rotate()
    {
        var kek = await Rotation.Begin(default);
        await Presence.Beat(default);
        Assert.True(await Rotation.Promote(default));
        await Presence.Beat(default);
        return kek;
    }

    private async Task<KekId> RotateAndDestroy()
    {
        var old = Silo.Ring.Current.Id;
        var kek = await Rotate();
        await Sweep.Run(default);
        await Rotation.Destroy(old, default);
        await Presence.Beat(default);
        return kek;
    }

    private async Task<byte[]> Wrapped(KekId id) =>
        (byte[])(await Silo.Scalar("SELECT wrapped FROM okms_kek_wrap WHERE kek_id = @id", ("id", id.ToBytes())))!;

    private async Task PutBack(KekId id, byte[] wrapped)
    {
        await Silo.Execute(
            "INSERT INTO okms_kek (kek_id, created_at, is_current, superseded_at) VALUES (@id, CURRENT_TIMESTAMP, @no, CURRENT_TIMESTAMP)",
            ("id", id.ToBytes()), ("no", false));
        await Silo.Execute(
            "INSERT INTO okms_kek_wrap (kek_id, root_id, wrapped, created_at) VALUES (@id, @root, @wrapped, CURRENT_TIMESTAMP)",
            ("id", id.ToBytes()), ("root", Root.Id), ("wrapped", wrapped));
    }

    private async Task MakeCurrentBySql(KekId id)
    {
        await Silo.Execute("UPDATE okms_kek SET is_current = @no, superseded_at = CURRENT_TIMESTAMP WHERE is_current", ("no", false));
        await Silo.Execute("UPDATE okms_kek SET is_current = @yes WHERE kek_id = @id", ("yes", true), ("id", id.ToBytes()));
    }

    /// <summary>The database as a program that knows of no manifest leaves it.</summary>
    private async Task ForgetManifest()
    {
        var id = Silo.Ring.Current.Id;
        using var opened = await Root.TryOpen(id, await Wrapped(id), default);
        using var bare = Secret(opened!.Key.ToArray());
        await Silo.Execute(
            "UPDATE okms_kek_wrap SET wrapped = @wrapped", ("wrapped", await Root.Wrap(id, bare, default)));
        await Silo.Execute("UPDATE okms_schema SET least_program_version = 1, feature_level = 1");
        await SetManifest(null);
    }

    private async Task<(byte[] Manifest, byte[] Mac)> Manifest() => (
        (byte[])(await Silo.Scalar("SELECT manifest FROM okms_kek_manifest"))!,
        (byte[])(await Silo.Scalar("SELECT mac FROM okms_kek_manifest"))!);

    private Task SetManifest((byte[] Manifest, byte[] Mac)? manifest) => SetManifest(Silo.Database, Root.Id, manifest);

    private static async Task SetManifest(Database database, string root, (byte[] Manifest, byte[] Mac)? manifest)
    {
        await using var connection = await database.Connections.OpenConnectionAsync();
        await using var delete = connection.Command("DELETE FROM okms_kek_manifest");
        await delete.ExecuteNonQueryAsync();
        if (manifest is { } put)
        {
            await using var insert = connection.Command(
                "INSERT INTO okms_kek_manifest (root_id, manifest, mac, created_at) VALUES (@root, @manifest, @mac, CURRENT_TIMESTAMP)",
                ("root", root), ("manifest", put.Manifest), ("mac", put.Mac));
            await insert.ExecuteNonQueryAsync();
        }
    }

    private async Task Restart()
    {
        await Silo.DisposeAsync();
        Silo = await StorageSilo.Start(_options);
    }

    /// <summary>What a start says that is refused, with this manifest in the table.</summary>
    private async Task<string> RefusedStart((byte[] Manifest, byte[] Mac)? manifest)
    {
        await Change(database => SetManifest(database, FileRoot(), manifest));
        for (var e = await Record.ExceptionAsync(() => StorageSilo.Start(_options)); e is not null; e = e.InnerException)
        {
            if (e is StartRefusedException)
            {
                return e.Message;
            }
        }

        throw new Xunit.Sdk.XunitException("The start was not refused.");
    }

    private async Task StartWith((byte[] Manifest, byte[] Mac) manifest, string? statement = null)
    {
        await Change(async database =>
        {
            await SetManifest(database, FileRoot(), manifest);
            if (statement is not null)
            {
                await using var connection = await database.Connections.OpenConnectionAsync();
                await using var command = connection.Command(statement);
                await command.ExecuteNonQueryAsync();
            }
        });
        Silo = await StorageSilo.Start(_options);
    }

    private async Task Change(Func<Database, Task> change)
    {
        using var database = Database.Of(_options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        await database.Prepare(default);
        await change(database);
    }

    private string FileRoot() => "file:" + Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData(
        File.ReadAllBytes(Path.Combine(_directory.Path, "root.key")), "okms.root.id.v1"u8)[..16]);

    private static Grains.Cryptography.SecretBytes Secret(byte[] bytes)
    {
        var secret = new Grains.Cryptography.SecretBytes(bytes.Length);
        bytes.CopyTo(secret.Span);
        return secret;
    }
}

[Trait("database", "sqlite")]
public sealed class SqliteRing : RingConformance
{
    protected override Task<string?> CreateDatabase() => Task.FromResult<string?>(null);

    protected override Task DropDatabase() => Task.CompletedTask;
}

[Trait("database", "postgres")]
public sealed class PostgresRing : RingConformance
{
    private readonly TestPostgres _database = new();

    protected override async Task<string?> CreateDatabase() => await _database.Create();

    protected override Task DropDatabase() => _database.Drop();
}
