using OrleansKms.Grains.Root;

namespace OrleansKms.Tests.Cluster.Storage;

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
