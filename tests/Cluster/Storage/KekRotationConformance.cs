using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>
/// The rotation of the KEK, step by step, on every database. The silo's own background work is too slow to come in between;
/// the tests do its steps.
/// </summary>
public abstract class KekRotationConformance : IAsyncLifetime
{
    // The names of rows begin with the type of their grain, as a key's do.
    private const string Name = "note";
    private const string OtherName = "note.other";

    private readonly TemporaryDirectory _directory = new();

    protected StorageSilo Silo { get; private set; } = null!;

    internal KekRotation Rotation => Silo.Services.GetRequiredService<KekRotation>();

    internal KekRecords Records => Silo.Services.GetRequiredService<KekRecords>();

    internal SiloPresence Presence => Silo.Services.GetRequiredService<SiloPresence>();

    internal RowResealing Resealing => Silo.Services.GetRequiredService<RowResealing>();

    internal KekSweep Sweep => Silo.Services.GetServices<IHostedService>().OfType<KekSweep>().Single();

    protected abstract Task<string?> CreateDatabase();

    protected abstract Task DropDatabase();

    public async Task InitializeAsync() => Silo = await StorageSilo.Start(new KmsStorageOptions
    {
        DataDirectory = _directory.Path,
        ConnectionString = await CreateDatabase(),
        PresenceInterval = TimeSpan.FromSeconds(20),
        ResealRate = 100_000,
    });

    public async Task DisposeAsync()
    {
        await Silo.DisposeAsync();
        await DropDatabase();
        _directory.Delete();
    }

    [Fact]
    public async Task Rotation_EndsWithEveryRowUnderTheNewKek_AndNoActivationNotices()
    {
        var old = Silo.Ring.Current.Id;
        var written = new List<(string Id, GrainState<NoteRow> State, byte[] Material, object? Stamp)>();
        for (var i = 0; i < 150; i++)
        {
            var id = $"k{i}";
            var note = WithMaterial(id, Note(id), out var material);
            var state = await Silo.Write(id, note, name: Name);
            await Silo.Write(id, Note("dead") with { Erased = true }, name: OtherName);
            written.Add((id, state, material, await Stamp(id)));
        }

        var kek = await Rotate();
        await Sweep.Run(default);

        Assert.Equal(kek, Silo.Ring.Current.Id);
        Assert.Equal(0, await RowsUnder(old));
        Assert.Equal(300, await RowsUnder(kek));
        var record = (await Records.ReadAll(default)).Single(k => k.Id == old);
        Assert.Equal((0, 300), (record.Rows, record.Resealed));
        foreach (var (id, state, material, stamp) in written)
        {
            Assert.Equal(stamp, await Stamp(id));
            var read = await Silo.Read(id, Name);
            Assert.Equal((state.ETag, id), (read.ETag, read.State!.Text));
            using var opened = Silo.Materials.Open(Address(id, read.State), read.State.Material!);
            Assert.Equal(material, opened.Span.ToArray());
            Assert.True((await Silo.Read(id, OtherName)).State!.Erased);

            // What an activation holds from before still opens, and its write with the ETag from before is the next one.
            using var held = Silo.Materials.Open(Address(id, state.State!), state.State!.Material!);
            Assert.Equal(material, held.Span.ToArray());
            await Silo.Write(id, state.State with { Revision = 2 }, state.ETag, Name);
        }
    }

    [Fact]
    public async Task NewKek_IsNotCurrentBeforeEverySiloHasOpenedIt()
    {
        var old = Silo.Ring.Current.Id;
        await AddSilo("elsewhere", old);

        var kek = await Rotation.Begin(default);
        Assert.False(await Rotation.Promote(default));
        await Presence.Beat(default);
        Assert.False(await Rotation.Promote(default));
        await Silo.Write("x", Note("x"), name: Name);
        Assert.Equal(1, await RowsUnder(old));
        Assert.Equal(["elsewhere"], await Silo.Services.GetRequiredService<SiloRegistry>().ReadWithout(kek, default));

        await Silo.Execute("INSERT INTO okms_silo_kek (cluster_id, silo, kek_id) VALUES ('c', 'elsewhere', @kek)", ("kek", kek.ToBytes()));
        Assert.True(await Rotation.Promote(default));
        Assert.False(await Rotation.Promote(default));
        await Presence.Beat(default);
        Assert.Equal(kek, Silo.Ring.Current.Id);
    }

    [Fact]
    public async Task MakeCurrent_AKekThatIsNotThere_LeavesTheCurrentOne()
    {
        var current = Silo.Ring.Current.Id;

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => Silo.Services.GetRequiredService<KekStore>().MakeCurrent(new KekId(0, 1), null, default));

        Assert.True((await Records.ReadAll(default)).Single(k => k.Id == current).IsCurrent);
        await Silo.Write("still", Note("still"), name: Name);
    }

    [Fact]
    public async Task Begin_WhileOneIsOnItsWay_IsThatOne()
    {
        var first = await Rotation.Begin(default);
        Assert.Equal(first, await Rotation.Begin(default));
        Assert.Equal(2, await Silo.Count("okms_kek"));
    }

    [Fact]
    public async Task Begin_WhileASiloRunsOnAnotherRoot_IsRefused()
    {
        await AddSilo("elsewhere", Silo.Ring.Current.Id);
        await Silo.Execute("UPDATE okms_silo SET root_id = 'hsm:00' WHERE silo = 'elsewhere'");

        var refusal = await Assert.ThrowsAsync<KmsException>(() => Rotation.Begin(default));

        Assert.Equal(KmsError.Conflict.Code, refusal.Code);
        Assert.Contains("elsewhere", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1, await Silo.Count("okms_kek"));

        // One that does not say runs an older program, which the change of root waits for.
        await Silo.Execute("UPDATE okms_silo SET root_id = NULL WHERE silo = 'elsewhere'");
        await Rotation.Begin(default);
    }

    [Fact]
    public async Task Replace_RowThatWasWrittenInBetween_LosesToTheWriter()
    {
        var old = Silo.Ring.Current.Id;
        var state = await Silo.Write("raced", Note("before"), name: Name);
        var cleared = await Silo.Write("cleared", Note("before"), name: Name);
        await Silo.Write("quiet", Note("before"), name: Name);
        var kek = await Rotate();
        var rows = await Resealing.Read(old, 10, default);
        var resealed = rows.Select(r => (r, Resealing.TryReseal(r)!)).ToList();

        await Silo.Write("raced", Note("after"), state.ETag, Name);
        await Silo.Rows.ClearStateAsync(Name, Grain("cleared"), cleared);
        Assert.Equal(1, await Resealing.Replace(old, resealed, 1, default));
        Assert.Equal(0, await Resealing.Replace(old, resealed, 1, default));

        Assert.Equal("after", (await Silo.Read("raced", Name)).State!.Text);
        Assert.Equal("before", (await Silo.Read("quiet", Name)).State!.Text);
        Assert.False((await Silo.Read("cleared", Name)).RecordExists);
        Assert.Equal(2, await RowsUnder(kek));
    }

    [Fact]
    public async Task Sweep_AgainstWritersAndFurtherRotations_LosesNoWriteAndNoWriterLosesToIt()
    {
        const int Keys = 24;
        var seed = Random.Shared.Next();
        var rotations = 0;
        using var done = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Keys).Select(i => Task.Run(async () =>
        {
            var random = new Random(seed + i);
            var id = $"w{i}";
            var state = await Silo.Write(id, WithMaterial(id, Note("0"), out var material), name: Name);
            for (var n = 1; !done.IsCancellationRequested; n++)
            {
                // The only writer of this row: whatever makes its ETag wrong is the sweep's fault.
                state = await Silo.Write(id, state.State! with { Text = $"{n}", Revision = n + 1 }, state.ETag, Name);
                if (random.Next(3) == 0)
                {
                    state = await Silo.Read(id, Name);
                    Assert.Equal($"{n}", state.State!.Text);
                    using var opened = Silo.Materials.Open(Address(id, state.State), state.State.Material!);
                    Assert.Equal(material, opened.Span.ToArray());
                }
            }

            return (id, state.State!.Text);
        })).ToArray();

        for (; rotations < 6; rotations++)
        {
            await Rotate();
            await Sweep.Run(default);
        }

        await done.CancelAsync();
        foreach (var (id, text) in await Task.WhenAll(writers))
        {
            Assert.Equal(text, (await Silo.Read(id, Name)).State!.Text);
        }

        await Sweep.Run(default);
        Assert.Equal(Keys, await RowsUnder(Silo.Ring.Current.Id));
        Assert.Equal(Keys, await Silo.Count("okms_row"));
    }

    [Fact]
    public async Task Sweep_RowThatDoesNotOpen_IsLeftAloneAndStopsNoOther()
    {
        var old = Silo.Ring.Current.Id;
        foreach (var id in new[] { "a", "b", "damaged", "c" })
        {
            await Silo.Write(id, WithMaterial(id, Note(id), out _), name: Name);
        }

        var payload = await Silo.Payload("damaged", Name);
        payload[^1] ^= 1;
        await Silo.SetPayload("damaged", payload, Name);
        await Rotate();
        await Sweep.Run(default);

        Assert.Equal(1, await RowsUnder(old));
        Assert.Equal(payload, await Silo.Payload("damaged", Name));
        Assert.Equal(KmsError.Conflict.Code, (await Assert.ThrowsAsync<KmsException>(() => Rotation.Destroy(old, default))).Code);
        Assert.Equal("c", (await Silo.Read("c", Name)).State!.Text);
    }

    [Fact]
    public async Task Destroy_OnlyWhatNothingNeeds()
    {
        var old = Silo.Ring.Current.Id;
        await Silo.Write("x", Note("x"), name: Name);
        await Fails(KmsError.Conflict, old);
        await Fails(KmsError.NotFound, new KekId(0, 1));

        var kek = await Rotate();
        await Fails(KmsError.Conflict, old);
        await Fails(KmsError.Conflict, kek);
        await Sweep.Run(default);
        await Rotation.Destroy(old, default);
        await Fails(KmsError.NotFound, old);

        Assert.Equal(old, Assert.Single(await Records.ReadDestroyed(default)).Id);
        Assert.Equal(1, await Silo.Count("okms_kek_wrap"));
        Assert.NotNull(Silo.Ring.Find(old));
        await Presence.Beat(default);
        Assert.Null(Silo.Ring.Find(old));
        await Presence.Beat(default);
        Assert.Equal("x", (await Silo.Read("x", Name)).State!.Text);
    }

    [Fact]
    public async Task Destroy_WhileASiloStillSealsUnderIt_IsRefused()
    {
        var old = Silo.Ring.Current.Id;
        await AddSilo("slow", old);
        var kek = await Rotation.Begin(default);
        await Silo.Execute("INSERT INTO okms_silo_kek (cluster_id, silo, kek_id) VALUES ('c', 'slow', @kek)", ("kek", kek.ToBytes()));
        await Presence.Beat(default);
        await Sweep.Run(default);
        await Presence.Beat(default);

        var refusal = await Fails(KmsError.Conflict, old);
        Assert.Contains("slow", refusal.Message, StringComparison.Ordinal);
        await Silo.Execute("DELETE FROM okms_silo WHERE silo = 'slow'");
        await Rotation.Destroy(old, default);
    }

    [Fact]
    public async Task Write_UnderAKekThatWasDestroyedBehindTheSilo_GoesUnderTheNextOne()
    {
        // As for a silo that slept so long that the others went on without it.
        var old = Silo.Ring.Current.Id;
        var (held, kek) = (await Silo.Write("held", WithMaterial("held", Note("held"), out var material), name: Name), await Rotation.Begin(default));
        using var elsewhere = ActivatorUtilities.CreateInstance<KekRing>(Silo.Services);
        await elsewhere.Open(0, default);
        await elsewhere.MakeCurrent(kek, default);
        await Silo.Execute("DELETE FROM okms_row");
        await Silo.Execute("DELETE FROM okms_silo");
        await elsewhere.Refresh(default);
        await Records.Delete(old, await elsewhere.WithoutKek(old, default), default);
        Assert.Equal(old, Silo.Ring.Current.Id);

        await Silo.Write("new", Note("new"), name: Name);

        Assert.Equal(kek, Silo.Ring.Current.Id);
        Assert.Equal("new", (await Silo.Read("new", Name)).State!.Text);
        Assert.Throws<MaterialOutdatedException>(() => Silo.Materials.Open(Address("held", held.State!), held.State!.Material!));
        Assert.NotEmpty(material);
    }

    [Fact]
    public async Task FeatureLevel_IsRaisedOnlyWhenEverySiloSupportsIt_AndGatesTheFormat()
    {
        var levels = Silo.Services.GetRequiredService<FeatureLevels>();
        await Silo.Execute("UPDATE okms_silo SET newest_feature_level = 1");
        await AddSilo("old-program", Silo.Ring.Current.Id, newest: 1);
        await Silo.Execute("UPDATE okms_silo SET newest_feature_level = @newest WHERE silo <> 'old-program'", ("newest", FeatureLevels.Newest));
        await Silo.Write("first", Note("first"), name: Name);

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => levels.Raise(default));
        Assert.Contains("old-program", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1, levels.Current);
        await Silo.Execute("DELETE FROM okms_silo WHERE silo = 'old-program'");
        Assert.Equal((1, FeatureLevels.Newest), await levels.Raise(default));
        Assert.Equal((FeatureLevels.Newest, FeatureLevels.Newest), await levels.Raise(default));

        await Silo.Write("second", Note("second"), name: Name);
        Assert.Equal((RowFormats.First, RowFormats.Encoded), ((await Silo.Payload("first", Name))[0], (await Silo.Payload("second", Name))[0]));
        await Rotate();
        await Sweep.Run(default);
        Assert.Equal((RowFormats.First, RowFormats.Encoded), ((await Silo.Payload("first", Name))[0], (await Silo.Payload("second", Name))[0]));
        Assert.Equal("first", (await Silo.Read("first", Name)).State!.Text);
        Assert.Equal("second", (await Silo.Read("second", Name)).State!.Text);
    }

    [Fact]
    public async Task FeatureLevel_RaisedElsewhere_IsFollowedInTheBackground()
    {
        var levels = Silo.Services.GetRequiredService<FeatureLevels>();
        await Silo.Execute("UPDATE okms_schema SET feature_level = @level", ("level", FeatureLevels.Newest));
        Assert.Equal(1, levels.Current);
        await Presence.Beat(default);
        Assert.Equal(FeatureLevels.Newest, levels.Current);
    }

    [Fact]
    public async Task FeatureLevel_AboveThisProgram_StopsTheSilo()
    {
        var stopping = Silo.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        await Silo.Execute("UPDATE okms_schema SET feature_level = 99");
        await Presence.Beat(default);

        Assert.True(stopping.IsCancellationRequested);
        Assert.False(Presence.IsFresh);
        Assert.False((await Assert.ThrowsAsync<StorageFailedException>(() => Silo.Write("x", Note("x"), name: Name))).OutcomeUnknown);
    }

    /// <summary>A new KEK, opened and current.</summary>
    protected async Task<KekId> Rotate()
    {
        var kek = await Rotation.Begin(default);
        await Presence.Beat(default);
        Assert.True(await Rotation.Promote(default));
        await Presence.Beat(default);
        return kek;
    }

    protected Task AddSilo(string silo, KekId current, int newest = FeatureLevels.Newest) => Silo.Execute(
        """
        INSERT INTO okms_silo (cluster_id, silo, least_feature_level, newest_feature_level, current_kek)
        VALUES ('c', @silo, 1, @newest, @current)
        """, ("silo", silo), ("newest", newest), ("current", current.ToBytes()));

    private static MaterialAddress Address(string id, NoteRow note) => new(Grain(id), note.Incarnation, 1);

    private NoteRow WithMaterial(string id, NoteRow note, out byte[] material)
    {
        material = RandomNumberGenerator.GetBytes(32);
        return note with { Material = Silo.Materials.Wrap(Address(id, note), material) };
    }

    private async Task<KmsException> Fails(KmsError error, KekId kek)
    {
        var failure = await Assert.ThrowsAsync<KmsException>(() => Rotation.Destroy(kek, default));
        Assert.Equal(error.Code, failure.Code);
        return failure;
    }

    private Task<object?> Stamp(string id) =>
        Silo.Scalar("SELECT CAST(version AS text) || ' ' || CAST(modified_at AS text) FROM okms_row WHERE row_name = @n AND grain_key = @k",
            ("n", Name), ("k", "=" + id));

    private async Task<long> RowsUnder(KekId kek) => Convert.ToInt64(
        await Silo.Scalar("SELECT count(*) FROM okms_row WHERE kek_id = @kek", ("kek", kek.ToBytes())), CultureInfo.InvariantCulture);
}

[Trait("database", "sqlite")]
public sealed class SqliteKekRotation : KekRotationConformance
{
    protected override Task<string?> CreateDatabase() => Task.FromResult<string?>(null);

    protected override Task DropDatabase() => Task.CompletedTask;
}

[Trait("database", "postgres")]
public sealed class PostgresKekRotation : KekRotationConformance
{
    private readonly TestPostgres _database = new();

    protected override async Task<string?> CreateDatabase() => await _database.Create();

    protected override Task DropDatabase() => _database.Drop();

    [Fact]
    public async Task Silo_NotSeenForLong_IsNotWaitedFor()
    {
        await AddSilo("dead", Silo.Ring.Current.Id, newest: 1);
        await Silo.Execute("UPDATE okms_silo SET seen_at = seen_at - interval '121 seconds' WHERE silo = 'dead'");

        await Rotate();
        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
    }

    [Fact]
    public async Task Resealing_OneProcessAtATime()
    {
        await using (var first = await Silo.Database.TryLockResealing(default))
        {
            Assert.NotNull(first);
            Assert.Null(await Silo.Database.TryLockResealing(default));
        }

        await using var again = await Silo.Database.TryLockResealing(default);
        Assert.NotNull(again);
    }
}
