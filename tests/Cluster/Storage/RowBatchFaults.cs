using System.Collections.Concurrent;
using Npgsql;
using Orleans.Storage;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Faults;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>
/// Postgres fails in the middle of batches: whatever was acknowledged is there, whatever certainly failed is not, and of two rows that belong
/// together never one alone.
/// </summary>
[Trait("database", "postgres")]
public sealed class RowBatchFaults : IAsyncLifetime
{
    private const int Callers = 48;

    private readonly TemporaryDirectory _directory = new();
    private readonly ConcurrentDictionary<string, Outcome> _pairs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (int Certain, int Possible)> _counted = new(StringComparer.Ordinal);
    private PostgresServer _server = null!;
    private StorageSilo _silo = null!;
    private int _next;

    private enum Outcome
    {
        Written,
        NotWritten,
        Unknown,
    }

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.Create();
        _silo = await StorageSilo.Start(new KmsStorageOptions
        {
            DataDirectory = _directory.Path,

            // So that a server that stands still is given up soon. A new server may take longer to open its first connections.
            ConnectionString = _server.ConnectionString + ";Command Timeout=2",
        });
    }

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _server.DisposeAsync();
        _directory.Delete();
    }

    [Fact]
    public async Task KilledInTheMiddle_LosesNothingAcknowledged() => await Fail(async () =>
    {
        await _server.Kill();
        await UntilSomeFailed();
        await _server.Start();
    });

    [Fact]
    public async Task StoppedInTheMiddle_LosesNothingAcknowledged() => await Fail(async () =>
    {
        await _server.Stop();
        await UntilSomeFailed();
        await _server.Start();
    });

    [Fact]
    public async Task FrozenInTheMiddle_LosesNothingAcknowledged_AndClaimsNothingThatIsUnknown() => await Fail(async () =>
    {
        await _server.Freeze();
        try
        {
            await UntilSomeFailed();
        }
        finally
        {
            await _server.Thaw();
        }
    });

    [Fact]
    public async Task StandbyAway_NoRowIsAcknowledged()
    {
        await Set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        try
        {
            // Each process of the server takes it up in its own time; until then rows are written as always.
            while (await TryInsert() == Outcome.Written)
            {
            }

            var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => TryInsert()));
            Assert.All(outcomes, outcome => Assert.NotEqual(Outcome.Written, outcome));
            Assert.Contains(Outcome.Unknown, outcomes);
        }
        finally
        {
            await Set("ALTER SYSTEM RESET synchronous_standby_names");
        }

        while (await TryInsert() != Outcome.Written)
        {
        }

        await Verify();
    }

    private async Task Fail(Func<Task> fault)
    {
        using var done = new CancellationTokenSource();
        var callers = Enumerable.Range(0, Callers).Select(caller => Task.Run(() => Write(caller, done.Token))).ToArray();
        await Until(() => Count(Outcome.Written) >= 4 * Callers);
        await fault();
        var before = Count(Outcome.Written);
        await Until(() => Count(Outcome.Written) >= before + Callers);
        await done.CancelAsync();
        await Task.WhenAll(callers);

        Assert.NotEqual(0, Count(Outcome.Unknown) + Count(Outcome.NotWritten));
        await Verify();
    }

    /// <summary>Every second caller inserts pairs, the others count in a row of their own, as a lease does.</summary>
    private async Task Write(int caller, CancellationToken done)
    {
        GrainState<NoteRow>? state = null;
        for (var count = 0; !done.IsCancellationRequested;)
        {
            if (caller % 2 == 0)
            {
                await TryInsert();
                continue;
            }

            var id = $"counter.{caller}";
            try
            {
                state = state is null ? await Read(id) : state;
                count = state.RecordExists ? int.Parse(state.State!.Text, System.Globalization.CultureInfo.InvariantCulture) : 0;
                Assert.InRange(count, _counted.GetValueOrDefault(id).Certain, _counted.GetValueOrDefault(id).Possible);
                _counted[id] = (count, count + 1);
                state = await _silo.Write(id, Note($"{count + 1}"), state.ETag);
                _counted[id] = (count + 1, count + 1);
            }
            catch (Exception e) when (e is StorageFailedException or InconsistentStateException)
            {
                // An attempt before, whose outcome is unknown, may have come through after the row was read.
                state = null;
            }
        }
    }

    private async Task<GrainState<NoteRow>> Read(string id)
    {
        while (true)
        {
            try
            {
                return await _silo.Read(id);
            }
            catch (StorageFailedException)
            {
                // Not yet.
            }
        }
    }

    private async Task<Outcome> TryInsert()
    {
        var id = $"pair.{Interlocked.Increment(ref _next)}";
        try
        {
            await ((IPairedRows)_silo.Rows).InsertBoth(
                Grain(id), RowNames.Key, new GrainState<NoteRow>(Note(id)), RowNames.KeyUsage, new GrainState<NoteRow>(Note(id)));
            return _pairs[id] = Outcome.Written;
        }
        catch (StorageFailedException e)
        {
            return _pairs[id] = e.OutcomeUnknown ? Outcome.Unknown : Outcome.NotWritten;
        }
    }

    private Task UntilSomeFailed() => Until(() => Count(Outcome.Unknown) + Count(Outcome.NotWritten) > 0);

    private static async Task Until(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!isSo()) await Task.Delay(10, patience.Token);
    }

    private int Count(Outcome outcome) => _pairs.Values.Count(o => o == outcome);

    private async Task Verify()
    {
        foreach (var (id, outcome) in _pairs)
        {
            var (first, second) = (new GrainState<NoteRow>(), new GrainState<NoteRow>());
            Assert.True(await ((IPairedRows)_silo.Rows).ReadBoth(Grain(id), RowNames.Key, first, RowNames.KeyUsage, second));
            Assert.Equal(first.RecordExists, second.RecordExists);
            if (outcome == Outcome.Written) Assert.Equal((id, id), (first.State?.Text, second.State?.Text));
            if (outcome == Outcome.NotWritten) Assert.False(first.RecordExists, id);
        }

        foreach (var (id, (certain, possible)) in _counted)
        {
            var stored = int.Parse((await _silo.Read(id)).State?.Text ?? "0", System.Globalization.CultureInfo.InvariantCulture);
            Assert.InRange(stored, certain, possible);
        }
    }

    private async Task Set(string command)
    {
        await using var source = NpgsqlDataSource.Create(_server.ConnectionString);
        await using var set = source.CreateCommand(command);
        await set.ExecuteNonQueryAsync();
        await using var reload = source.CreateCommand("SELECT pg_reload_conf()");
        await reload.ExecuteNonQueryAsync();
    }
}
