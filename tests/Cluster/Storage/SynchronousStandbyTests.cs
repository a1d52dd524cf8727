using Npgsql;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>A Postgres whose commits wait for a standby that is away.</summary>
public sealed class SynchronousStandbyTests
{
    private const int Attempts = 20;

    [Fact]
    public async Task CommitThatNoStandbyHas_IsNotAcknowledged_AlsoWhenItIsAskedForAgain()
    {
        await using var server = await PostgresServer.Create();
        using var directory = new Processes.TemporaryDirectory();
        await using var silo = await TestSilo.Start(new() { DataDirectory = directory.Path, ConnectionString = server.ConnectionString });
        await silo.Create("k");

        await Set(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        // The server takes it up in its own time; until then changes are made as always.
        var disable = false;
        for (var (attempt, isRefused) = (0, false); !isRefused; attempt++)
        {
            Assert.True(attempt < Attempts, "A commit that no standby has was acknowledged.");
            disable = !disable;
            isRefused = await IsRefused(() => Change(disable));
        }

        // It is there to be read by now, and is not acknowledged all the same.
        Assert.True(await IsRefused(() => Change(disable)));

        await Set(server, "ALTER SYSTEM RESET synchronous_standby_names");
        for (var attempt = 0; await IsRefused(() => Change(disable)); attempt++) Assert.True(attempt < Attempts);

        Task<KeyDescription> Change(bool disable) =>
            disable ? silo.Key("k").Disable(new(TestSilo.Caller)) : silo.Key("k").Enable(new(TestSilo.Caller));
    }

    private static async Task<bool> IsRefused(Func<Task> change)
    {
        try
        {
            await change();
            return false;
        }
        catch (KmsException e) when (e.Error == KmsError.StorageUnavailable)
        {
            return true;
        }
    }

    private static async Task Set(PostgresServer server, string command)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var set = source.CreateCommand(command);
        await set.ExecuteNonQueryAsync();
        await using var reload = source.CreateCommand("SELECT pg_reload_conf()");
        await reload.ExecuteNonQueryAsync();
    }
}
