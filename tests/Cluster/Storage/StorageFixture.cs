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
