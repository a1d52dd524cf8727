using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// Creates, rotations and leases while the database fails or hangs under the batches of rows: before a batch is sent, or after it was
/// committed, when nobody hears of it.
/// </summary>
public sealed class RowStoreFaultTests : KeyGrainTest
{
    private Gate _gate = null!;
    private bool _hasFailed;

    public enum Fault
    {
        /// <summary>The database refuses what it was sent.</summary>
        Refused,

        /// <summary>Nothing was sent.</summary>
        Unreachable,

        /// <summary>The connection breaks, before the database has it or after.</summary>
        Broken,
    }

    private protected override void Configure(IServiceCollection services)
    {
        services.Remove(services.Last(service => service.ServiceType == typeof(Database)));
        services.AddSingleton<Database>(provider =>
        {
            var database = new FaultyDatabase(Database.Of(
                provider.GetRequiredService<DatabaseOptions>(), TimeProvider.System, provider.GetRequiredService<ILoggerFactory>()));
            _gate = database.Gate;
            return database;
        });
    }

    [Theory]
    [InlineData(Fault.Refused, 1)]
    [InlineData(Fault.Unreachable, 1)]
    [InlineData(Fault.Broken, 2)]
    public Task Create_FailingAtEachBatch_IsWholeOrNotThere(Fault fault, int failures) => FailEach(fault, failures, "create", async (id, fails) =>
    {
        var created = await TryTo(() => Silo.Create(id), fails);
        if (!created)
        {
            var repeated = await Record.ExceptionAsync(() => Silo.Create(id));
            if (fault == Fault.Broken) Assert.True(repeated is null or KmsException { Code: "key_exists" }, $"{repeated}");
            else Assert.Null(repeated);
        }

        Assert.Equal(Plaintext, (await Decrypt(id, await Encrypt(id))).Plaintext);
        Assert.Equal(1, (await Describe(id)).PrimaryVersion);
        return created;
    });

    [Theory]
    [InlineData(Fault.Refused, 2)]
    [InlineData(Fault.Unreachable, 2)]
    [InlineData(Fault.Broken, 4)]
    public Task Rotate_FailingAtEachBatch_LosesNothingAcknowledged(Fault fault, int failures) => FailEach(fault, failures, "rotate", async (id, fails) =>
    {
        await Silo.Create(id);
        var encrypted = await Encrypt(id);
        var rotated = await TryTo(() => Rotate(id), fails);
        var described = await Describe(id);
        if (rotated) Assert.Equal(2, described.PrimaryVersion);
        else if (fault != Fault.Broken) Assert.Equal(1, described.PrimaryVersion);
        Assert.Equal(Plaintext, (await Decrypt(id, encrypted)).Plaintext);
        Assert.Equal(described.PrimaryVersion, (await Encrypt(id)).KeyVersion);
        return rotated;
    });

    /// <summary>A cold key: one read of both rows, and one write of the lease.</summary>
    [Theory]
    [InlineData(Fault.Refused, 1)]
    [InlineData(Fault.Unreachable, 2)]
    [InlineData(Fault.Broken, 2)]
    public async Task WakeUp_FailingAtEachBatch_NeverCountsTooLittle(Fault fault, int failures)
    {
        for (var i = 0; i <= 4; i++) await Silo.Create($"wake.{2 * i}");
        await Restart();
        await FailEach(fault, failures, "wake", async (id, fails) =>
        {
            var encrypted = await TryTo(async () => await Encrypt(id), fails);
            Time.Advance(TimeSpan.FromSeconds(2));
            await Encrypt(id);
            Assert.InRange((await Describe(id)).Uses.Encrypt, encrypted ? 2 : 1, long.MaxValue);
            return encrypted;
        });
    }

    [Fact]
    public async Task BatchThatHangs_HoldsWhoeverWaitsForIt_AndNoOther_AndThenAllAreWrittenTogether()
    {
        await Silo.Create("warm");
        var encrypted = await Encrypt("warm");
        for (var point = 0; point < 2; point++)
        {
            _gate.HoldAt(point);
            var first = Silo.Create($"held.{point}");
            await _gate.Reached.WaitAsync(TimeSpan.FromMinutes(1));
            Task[] others = [.. Enumerable.Range(0, 20).Select(i => Silo.Create($"held.{point}.{i}"))];
            Assert.Equal(Plaintext, (await Decrypt("warm", encrypted)).Plaintext);
            Assert.Equal(1, (await Encrypt("warm")).KeyVersion);
            Assert.All(others, other => Assert.False(other.IsCompleted));
            Assert.False(first.IsCompleted);
            _gate.HoldAt(-1);
            await first;
            await Task.WhenAll(others);
            for (var i = 0; i < others.Length; i++) await Encrypt($"held.{point}.{i}");
        }
    }

    /// <summary>Runs an operation with a key of its own for each point at which the database fails, until it does not come there.</summary>
    private async Task FailEach(Fault fault, int failures, string name, Func<string, Action, Task<bool>> operation)
    {
        var failed = 0;
        _hasFailed = true;

        // Only a connection that breaks can do so afterwards. A read that failed is repeated where the database can be reached, and then the
        // operation does not fail.
        for (var point = 0; _hasFailed; point += fault == Fault.Broken ? 1 : 2)
        {
            var at = point;
            if (!await operation($"{name}.{(fault == Fault.Broken ? 2 * at : at)}", () => _gate.FailAt(at, Of(fault)))) failed++;
        }

        Assert.Equal(failures, failed);
    }

    private async Task<bool> TryTo(Func<Task> operation, Action fails)
    {
        fails();
        try
        {
            await operation();
            return true;
        }
        catch (KmsException e) when (e.Error == KmsError.StorageUnavailable)
        {
            return false;
        }
        finally
        {
            _hasFailed = _gate.Reached.IsCompleted;
            _gate.HoldAt(-1);
        }
    }

    private static Exception Of(Fault fault) => fault switch
    {
        Fault.Refused => new SqliteException("database is locked", SQLitePCL.raw.SQLITE_BUSY),
        Fault.Unreachable => new DatabaseUnreachableException(new IOException("refused")),
        _ => new IOException("broken"),
    };
}
