using Npgsql;

namespace OrleansKms.Tests.Cluster;

/// <summary>The throw-away Postgres that deploy/test.sh starts.</summary>
internal static class Postgres
{
    /// <summary>An Npgsql connection string. Without it, tests that need Postgres fail; none is passed over in silence.</summary>
    public static string ConnectionString =>
        Environment.GetEnvironmentVariable("OKMS_TEST_DATABASE_URL")
        ?? throw new InvalidOperationException("OKMS_TEST_DATABASE_URL is not set: run the tests by ./deploy/test.sh, which starts a Postgres.");

    /// <summary>Makes an empty database, so that tests share nothing, and answers how to reach it.</summary>
    public static async Task<string> NewDatabase()
    {
        var name = "okms_" + Guid.NewGuid().ToString("N");
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand($"CREATE DATABASE {name}");
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }
}
