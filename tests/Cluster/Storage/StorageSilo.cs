using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
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

    public static async Task<StorageSilo> Start(KmsStorageOptions options)
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ServiceId = "storage-tests";
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddKmsStorage(options);
            silo.Services.AddRowTypes(TestRowsContext.Default);
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

    public async Task<long> Count(string table) =>
        Convert.ToInt64(await Scalar("SELECT count(*) FROM " + table), CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await _cluster.StopAllSilosAsync();
        await _cluster.DisposeAsync();
    }
}
