using OrleansKms.Grains.Root;

namespace OrleansKms.Tests.Cluster.Storage;

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
