using Npgsql;

namespace OrleansKms.Tests.Cluster;

/// <summary>The throw-away Postgres that deploy/test.sh starts.</summary>
internal static class Postgres
{
    /// <summary>An Npgsql connection string. Without it, tests that need Postgres fail; none is passed over in silence.</summary>
    public static string ConnectionString =>
        Environment.GetEnvironmentVariable("OKMS_TEST_DATABASE_URL")
        ?? throw new InvalidOperationException("OKMS_TEST_DATABASE_URL is not set: run the tests by ./deploy/test.sh, which starts a Postgres.");

    /// <summary>The same, for commands that write a checkpoint, behind whatever the other tests write.</summary>
    internal static string Patient => new NpgsqlConnectionStringBuilder(ConnectionString) { CommandTimeout = 180 }.ConnectionString;

    /// <summary>Makes an empty database, so that tests share nothing, and answers how to reach it.</summary>
    public static async Task<string> NewDatabase()
    {
        var name = "okms_" + Guid.NewGuid().ToString("N");
        await using var source = NpgsqlDataSource.Create(Patient);
        await using var command = source.CreateCommand($"CREATE DATABASE {name}");
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    /// <summary>Drops a database that <see cref="NewDatabase"/> made, whoever is still connected to it.</summary>
    public static async Task DropDatabase(string connectionString)
    {
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database;
        await using var source = NpgsqlDataSource.Create(Patient);
        await using var command = source.CreateCommand($"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The same database as DATABASE_URL takes it, for its own role or another, at its own port or one that leads there.</summary>
    public static string Url(string connectionString, string? role = null, string? password = null, int? port = null)
    {
        var to = new NpgsqlConnectionStringBuilder(connectionString);
        var (user, secret) = (Uri.EscapeDataString(role ?? to.Username!), Uri.EscapeDataString(password ?? to.Password!));
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"postgres://{user}:{secret}@{to.Host}:{port ?? to.Port}/{to.Database}");
    }
}
