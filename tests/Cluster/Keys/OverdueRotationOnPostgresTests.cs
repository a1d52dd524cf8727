using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using OrleansKms.Tests.Cluster.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A rotation by time that is due while Postgres hangs, and while it takes no connection.</summary>
[Trait("database", "postgres")]
public sealed class OverdueRotationOnPostgresTests
{
    private static readonly TimeSpan _every = TimeSpan.FromDays(30);

    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task KeyGoesOn_AndRotatesWhenPostgresIsBack()
    {
        using var database = await KeyDatabase.Make("postgres");
        using var log = new LogRecorder();
        var name = new NpgsqlConnectionStringBuilder(database.Options.ConnectionString).Database!;
        await using var silo = await TestSilo.Start(database.Options, time: _time, services: services => services.AddLogging(logging =>
            logging.AddProvider(log).AddFilter<LogRecorder>("OrleansKms.Grains", LogLevel.Information)));
        await silo.Create("key", new(_every, null));
        Assert.Equal(1, await Version(silo));

        await using (var other = new NpgsqlConnection(database.Options.ConnectionString))
        {
            // Nothing that touches a row is answered, as by a server that is frozen.
            await other.OpenAsync();
            await using var transaction = await other.BeginTransactionAsync();
            await using var hang = new NpgsqlCommand("LOCK TABLE okms_row IN ACCESS EXCLUSIVE MODE", other, transaction);
            await hang.ExecuteNonQueryAsync();
            _time.Advance(_every);
            await GoesOn(silo, 1);
        }

        await log.Wait("key key: rotate-by-plan, primary version 2");
        Assert.Equal(2, await Version(silo));

        await using (var server = NpgsqlDataSource.Create(Postgres.Patient))
        {
            await Execute(server, $"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false");
            await Execute(server, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
            _time.Advance(_every);
            await GoesOn(silo, 2);
            await Execute(server, $"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true");
        }

        await log.Wait("key key: rotate-by-plan, primary version 3");
        Assert.Equal(3, await Version(silo));
    }

    private static async Task GoesOn(TestSilo silo, int version)
    {
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(version, await Version(silo));
        }
    }

    private static async Task<int> Version(TestSilo silo) => (await silo.Key("key").Encrypt(new(TestSilo.Caller, [1, 2, 3]))).KeyVersion;

    private static async Task Execute(NpgsqlDataSource server, string sql)
    {
#pragma warning disable CA2100 // The name is one that the tests made up.
        await using var command = server.CreateCommand(sql);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }
}
