using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A database of either kind that a test can copy, as a backup, and put back. No silo may use it meanwhile.</summary>
internal sealed class KeyDatabase : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-keydb-");

    private KeyDatabase(string? connectionString) => Options = new() { DataDirectory = _root.FullName, ConnectionString = connectionString };

    public KmsStorageOptions Options { get; private set; }

    public static async Task<KeyDatabase> Make(string kind) => new(kind == "postgres" ? await Postgres.NewDatabase() : null);

    /// <summary>What is in the database now, to be put back.</summary>
    public async Task<string> Backup()
    {
        if (Options.ConnectionString is { } connectionString)
        {
            return await Copy(new NpgsqlConnectionStringBuilder(connectionString).Database!);
        }

        var copy = Path.Combine(_root.FullName, Guid.NewGuid().ToString("N"));
        await using var from = new SqliteConnection($"Data Source={Path.Combine(_root.FullName, "kms.db")};Pooling=False");
        await using var to = new SqliteConnection($"Data Source={copy};Pooling=False");
        from.Open();
        to.Open();
        from.BackupDatabase(to);
        return copy;
    }

    /// <summary>Puts a backup in the place of what is there.</summary>
    public async Task Restore(string backup)
    {
        if (Options.ConnectionString is { } connectionString)
        {
            // A new database from the old dump, at another address: nothing of the lost one can shine through.
            Options = Options with
            {
                ConnectionString = new NpgsqlConnectionStringBuilder(connectionString) { Database = await Copy(backup) }.ConnectionString,
            };
            return;
        }

        var file = Path.Combine(_root.FullName, "kms.db");
        File.Delete(file + "-wal");
        File.Delete(file + "-shm");
        File.Copy(backup, file, overwrite: true);
    }

    public static async Task<object?> Scalar(TestSilo silo, string sql)
    {
        await using var connection = await silo.Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command(sql);
        return await command.ExecuteScalarAsync();
    }

    public static async Task<long> Count(TestSilo silo, string table) =>
        Convert.ToInt64(await Scalar(silo, "SELECT count(*) FROM " + table), CultureInfo.InvariantCulture);

    /// <summary>Whether any stored row holds these bytes.</summary>
    public static async Task<bool> Holds(TestSilo silo, ReadOnlyMemory<byte> bytes)
    {
        await using var connection = await silo.Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command("SELECT payload FROM okms_row");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            if (((byte[])reader.GetValue(0)).AsSpan().IndexOf(bytes.Span) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    public void Dispose() => _root.Delete(recursive: true);

    private static async Task<string> Copy(string database)
    {
        // Migrations run on pooled connections, which outlive the silo, and Postgres copies only what nobody is connected to.
        NpgsqlConnection.ClearAllPools();
        var name = "okms_" + Guid.NewGuid().ToString("N");
        await using var source = NpgsqlDataSource.Create(Postgres.Patient);
        await using var command = source.CreateCommand($"CREATE DATABASE {name} TEMPLATE {database}");
        await command.ExecuteNonQueryAsync();
        return name;
    }
}
