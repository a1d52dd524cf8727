using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>One silo with nothing but storage.</summary>
public sealed class StorageSilo : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;

    private StorageSilo(InProcessTestCluster cluster) => _cluster = cluster;

    public IServiceProvider Services => _cluster.GetSiloServiceProvider();

    public IGrainStorage Rows => Services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Sealed);

    public IMaterialSealer Materials => Services.GetRequiredService<IMaterialSealer>();

    public IRowDirectory Directory => Services.GetRequiredService<IRowDirectory>();

    public IReminderTable Reminders => Services.GetRequiredService<IReminderTable>();

    internal KekRing Ring => Services.GetRequiredService<KekRing>();

    internal Database Database => Services.GetRequiredService<Database>();

    public static async Task<StorageSilo> Start(KmsStorageOptions options, Action<ISiloBuilder>? configure = null)
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ServiceId = "storage-tests";
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddKmsStorage(options);
            silo.Services.AddRowTypes(TestRowsContext.Default);
            configure?.Invoke(silo);
        });
        var cluster = builder.Build();
        try
        {
            await cluster.DeployAsync();
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }

        return new StorageSilo(cluster);
    }

    public static GrainId Grain(string key) => GrainId.Create("note", key);

    public async Task<GrainState<NoteRow>> Read(string key, string name = RowNames.Key)
    {
        var state = new GrainState<NoteRow>();
        await Rows.ReadStateAsync(name, Grain(key), state);
        return state;
    }

    public async Task<GrainState<NoteRow>> Write(string key, NoteRow row, string? etag = null, string name = RowNames.Key)
    {
        var state = new GrainState<NoteRow>(row, etag);
        await Rows.WriteStateAsync(name, Grain(key), state);
        return state;
    }

    public static NoteRow Note(string text) => new() { Text = text, Incarnation = Incarnation.New(), Revision = 1 };

    public async Task<int> Execute(string text, params (string, object)[] parameters)
    {
        await using var connection = await Database.Connections.OpenConnectionAsync();
        await using var command = connection.Command(text, parameters);
        return await command.ExecuteNonQueryAsync();
    }

    public async Task<object?> Scalar(string text, params (string, object)[] parameters)
    {
        await using var connection = await Database.Connections.OpenConnectionAsync();
        await using var command = connection.Command(text, parameters);
        return await command.ExecuteScalarAsync();
    }

    public async Task<byte[]> Payload(string key, string name = RowNames.Key) =>
        (byte[])(await Scalar("SELECT payload FROM okms_row WHERE row_name = @n AND grain_key = @k", ("n", name), ("k", "=" + key)))!;

    public Task<int> SetPayload(string key, byte[] payload, string name = RowNames.Key) =>
        Execute("UPDATE okms_row SET payload = @p WHERE row_name = @n AND grain_key = @k",
            ("p", payload), ("n", name), ("k", "=" + key));

    /// <summary>As an attacker with the database's superuser: foreign keys do not hold.</summary>
    public async Task SetPayloadUnchecked(string key, byte[] payload)
    {
        await using var connection = await Database.Connections.OpenConnectionAsync();
        await using var off = connection.Command(
            Database is SqliteDatabase ? "PRAGMA foreign_keys = OFF" : "SET session_replication_role = replica");
        await off.ExecuteNonQueryAsync();
        await using var command = connection.Command(
            "UPDATE okms_row SET payload = @p WHERE grain_key = @k", ("p", payload), ("k", "=" + key));
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
        if (Database is SqliteDatabase)
        {
            // The handle goes back into the pool as it is.
            await using var on = connection.Command("PRAGMA foreign_keys = ON");
            await on.ExecuteNonQueryAsync();
        }
    }

    /// <summary>All that the database holds: the bytes of its files, or of every column of its tables.</summary>
    public async Task<byte[]> Dump()
    {
        if (Database is SqliteDatabase)
        {
            var file = new SqliteConnectionStringBuilder(Database.Connections.ConnectionString).DataSource;
            return [.. await ReadShared(file), .. await ReadShared(file + "-wal")];
        }

        using var dump = new MemoryStream();
        await using var connection = await Database.Connections.OpenConnectionAsync();
        foreach (var table in new[] { "okms_row", "okms_kek", "okms_kek_wrap", "okms_reminder", "OrleansQuery" })
        {
            await using var command = connection.Command("SELECT * FROM " + table);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                for (var i = 0; i < reader.FieldCount; i++)
                {
                    dump.Write(reader.GetValue(i) is byte[] bytes ? bytes
                        : Encoding.UTF8.GetBytes(Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture)!));
                }
            }
        }

        return dump.ToArray();
    }

    private static async Task<byte[]> ReadShared(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }

    public async Task<long> Count(string table) =>
        Convert.ToInt64(await Scalar("SELECT count(*) FROM " + table), CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await _cluster.StopAllSilosAsync();
        await _cluster.DisposeAsync();
    }
}
