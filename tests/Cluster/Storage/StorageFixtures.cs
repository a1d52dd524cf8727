using Npgsql;
using OrleansKms.Grains.Root;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>A database of its own, and a silo on it.</summary>
public abstract class StorageFixture : IAsyncLifetime
{
    public StorageSilo Silo { get; private set; } = null!;

    public KmsStorageOptions Options { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Options = await CreateDatabase();
        Silo = await StorageSilo.Start(Options);
    }

    public async Task DisposeAsync()
    {
        if (Silo is not null)
        {
            await Silo.DisposeAsync();
        }

        await DropDatabase();
    }

    protected abstract Task<KmsStorageOptions> CreateDatabase();

    protected abstract Task DropDatabase();
}

public sealed class SqliteFixture : StorageFixture
{
    private readonly TemporaryDirectory _directory = new();

    protected override Task<KmsStorageOptions> CreateDatabase() =>
        Task.FromResult(new KmsStorageOptions { DataDirectory = _directory.Path });

    protected override Task DropDatabase()
    {
        _directory.Delete();
        return Task.CompletedTask;
    }
}

public sealed class PostgresFixture : StorageFixture
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestPostgres _database = new();

    protected override async Task<KmsStorageOptions> CreateDatabase() =>
        new()
        {
            DataDirectory = _directory.Path,
            ConnectionString = await _database.Create(),

            // So seldom that no beat comes in between to open a KEK before a test has looked.
            PresenceInterval = TimeSpan.FromSeconds(20),
        };

    protected override async Task DropDatabase()
    {
        await _database.Drop();
        _directory.Delete();
    }
}

/// <summary>A database in the Postgres that deploy/test.sh starts.</summary>
public sealed class TestPostgres
{
    private const string Variable = "OKMS_TEST_DATABASE_URL";
    public string Name { get; } = "okms_test_" + Guid.NewGuid().ToString("N");

    private static string Server => Environment.GetEnvironmentVariable(Variable)
        ?? throw new InvalidOperationException($"{Variable} is not set: run the tests by deploy/test.sh, which starts a Postgres.");

    public static string Password => new NpgsqlConnectionStringBuilder(Server).Password!;

    public async Task<string> Create()
    {
        await Execute($"CREATE DATABASE {Name}");
        return new NpgsqlConnectionStringBuilder(Server) { Database = Name, MaxPoolSize = 20 }.ConnectionString;
    }

    public Task Drop() => Execute($"DROP DATABASE IF EXISTS {Name} WITH (FORCE)");

    public static async Task Execute(string text)
    {
        // A checkpoint is written, behind whatever the other tests write.
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Server) { CommandTimeout = 180 }.ConnectionString);
        await using var command = source.CreateCommand(text);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>A directory that goes with the test.</summary>
public sealed class TemporaryDirectory
{
    public string Path { get; } = Directory.CreateTempSubdirectory("okms-test-").FullName;

    public void Delete() => Directory.Delete(Path, recursive: true);
}

[Trait("database", "sqlite")]
public sealed class SqliteConformance(SqliteFixture fixture) : StorageConformance(fixture), IClassFixture<SqliteFixture>;

[Trait("database", "postgres")]
public sealed class PostgresConformance(PostgresFixture fixture) : StorageConformance(fixture), IClassFixture<PostgresFixture>;
