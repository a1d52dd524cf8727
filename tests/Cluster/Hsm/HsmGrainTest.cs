using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Providers;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>A silo on the shared token, with its own database, clock and gate before the HSM.</summary>
public abstract class HsmGrainTest(SharedToken shared) : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-hsm-");
    private readonly string _service = Guid.NewGuid().ToString("N");

    private protected static TimeSpan Patience => TimeSpan.FromMinutes(1);

    private protected ProviderGate Gate { get; } = new();

    private protected FakeTimeProvider Time { get; set; } = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private protected TestSilo Silo { get; private set; } = null!;

    private protected HsmToken Hsm => Silo.Services.GetRequiredService<HsmToken>();

    public async Task InitializeAsync()
    {
        Assert.True(shared.Token.IsHealthy);
        await Start();
    }

    public async Task DisposeAsync()
    {
        Gate.Release();
        await Silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private protected async Task Start() => Silo = await TestSilo.Start(
        new() { DataDirectory = _folder.FullName, Hsm = SharedToken.Options }, _service, Time,
        new() { MinDeletionDelay = TimeSpan.FromHours(1) }, services: services => GatedProvider.Add(services, Gate));

    private protected async Task Restart()
    {
        await Silo.DisposeAsync();
        await Start();
    }

    private protected Task<KeyDescription> Describe(string id) => Silo.Key(id).Describe(new(TestSilo.Caller));

    /// <summary>The labels of a key's objects on the token.</summary>
    private protected async Task<List<string>> OnToken(string id) =>
        [.. (await new HsmInventory(Hsm, _service, TimeProvider.System).List(default))
            .Select(k => k.Label).Where(l => l.StartsWith(id + " v", StringComparison.Ordinal)).Order()];

    private protected static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    private protected static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);
}
