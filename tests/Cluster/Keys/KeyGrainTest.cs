using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A test of the key grain on real storage (SQLite), with a clock that the test moves.</summary>
public abstract class KeyGrainTest : IAsyncLifetime
{
    private protected DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("okms-key-");

    private protected static byte[] Plaintext { get; } = "the key grain"u8.ToArray();

    private protected FakeTimeProvider Time { get; } = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>What the silo has logged.</summary>
    private protected LogRecorder Log { get; } = new();

    private protected TestSilo Silo { get; private set; } = null!;

    public async Task InitializeAsync() => Silo = await Start();

    public async Task DisposeAsync()
    {
        await Silo.DisposeAsync();
        Folder.Delete(recursive: true);
    }

    private protected async Task Restart()
    {
        await Silo.DisposeAsync();
        Silo = await Start();
    }

    private Task<TestSilo> Start() => TestSilo.Start(
        new() { DataDirectory = Folder.FullName }, time: Time, keys: new() { MinDeletionDelay = TimeSpan.FromHours(1) },
        services: services =>
        {
            services.AddLogging(logging => logging.AddProvider(Log).AddFilter<LogRecorder>("OrleansKms.Grains", LogLevel.Information));
            Configure(services);
        });

    /// <summary>Anything else that the silo's services are.</summary>
    private protected virtual void Configure(IServiceCollection services)
    {
    }

    private protected async Task<T?> Row<T>(string id, string name)
        where T : OrleansKms.Grains.Sealing.Row
    {
        var slot = new RowSlot<T>(Silo.Rows, Grain(id), name);
        await slot.Read();
        return slot.Row;
    }

    private protected async Task<Encrypted> Encrypt(string id) => await Silo.Key(id).Encrypt(new(TestSilo.Caller, Plaintext));

    private protected async Task<Decrypted> Decrypt(string id, Encrypted encrypted) =>
        await Silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));

    private protected Task<KeyDescription> Rotate(string id) => Silo.Key(id).Rotate(new(TestSilo.Caller));

    private protected async Task<KeyDescription> DestroyVersion(string id, int version)
    {
        await Silo.Versions(id).ScheduleDestruction(new(TestSilo.Caller, version, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        return await Describe(id);
    }

    private protected Task<KeyDescription> Describe(string id) => Silo.Key(id).Describe(new(TestSilo.Caller));

    private protected static GrainId Grain(string id) => GrainId.Create("key", id);

    private protected static StorageFailedException Unknown() => new("the connection broke", outcomeUnknown: true, new IOException("broken"));

    private protected static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);
}
