using Npgsql;

namespace OrleansKms.Tests.Cluster.Storage;

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
