using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using TemporaryDirectory = OrleansKms.Tests.Cluster.Processes.TemporaryDirectory;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>What modules other than SoftHSM were seen to do: SoftHSM behind one that does it, too.</summary>
[Collection(SharedToken.Collection)]
public sealed class MisbehavingModuleTests(SharedToken shared) : IClassFixture<SharedToken>
{
    private static readonly KeyAlgorithm _algorithm = new Aes256GcmAlgorithm();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task DestroyThatFails_StaysPending_UntilTheModuleHasListedTheTokenAnew()
    {
        var provider = Provider();
        var name = new KeyVersionName("stays", Incarnation.New(), 1);
        (await provider.Generate(_algorithm, name)).Dispose();
        var files = SharedToken.KeyFiles.Count;
        using (SharedToken.Switch("destroys-nothing"))
        {
            var failure = await Assert.ThrowsAsync<KmsException>(() => provider.Destroy(name).AsTask());
            Assert.Equal("hsm_unavailable", failure.Code);
            Assert.Equal(files, SharedToken.KeyFiles.Count);
        }

        // It works again, and yet the module does not show what is still there.
        Assert.DoesNotContain(await List(), k => k.Label == "stays v1");
        Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(() => provider.Destroy(name).AsTask())).Code);
        Assert.Equal(files, SharedToken.KeyFiles.Count);

        await shared.Token.ListAnew(default);
        await provider.Destroy(name);
        Assert.Equal(files - 1, SharedToken.KeyFiles.Count);
        await provider.Destroy(name);
    }

    [Fact]
    public async Task DestroyThatFailsForOne_IsAskedForTheOthers()
    {
        var provider = Provider();
        var name = new KeyVersionName("several", Incarnation.New(), 1);
        (await provider.Generate(_algorithm, name)).Dispose();
        (await provider.Generate(_algorithm, name)).Dispose();
        var files = SharedToken.KeyFiles.Count;
        using (SharedToken.Switch("destroys-nothing-once"))
        {
            await Assert.ThrowsAsync<KmsException>(() => provider.Destroy(name).AsTask());
            Assert.Equal(files - 1, SharedToken.KeyFiles.Count);
        }

        await shared.Token.ListAnew(default);
        await provider.Destroy(name);
        Assert.Equal(files - 2, SharedToken.KeyFiles.Count);
    }

    [Fact]
    public async Task TokenThatIsFull_SaysSo_ToTheCallerAndInItsHealth()
    {
        using (SharedToken.Switch("is-full"))
        {
            var refusal = await Assert.ThrowsAsync<KmsException>(() => Generate("full").AsTask());
            Assert.Equal(
                ("hsm_unavailable", "The HSM refused the call: C_GenerateKey (CKM_AES_KEY_GEN) returned CKR_DEVICE_MEMORY: the "
                    + "token is full."),
                (refusal.Code, refusal.Message));
            Assert.False(shared.Token.IsHealthy);
            Assert.Equal(refusal.Message, shared.Token.WhyUnhealthy);
        }

        // Keys that are there have been usable all the while.
        Assert.True(shared.Token.IsUp);
        (await Generate("not full")).Dispose();
        Assert.True(shared.Token.IsHealthy);
        Assert.Null(shared.Token.WhyUnhealthy);
    }

    [Fact]
    public async Task TokenThatAnswersACopyableAttributeWithAGeneralError_MakesKeysWithoutIt()
    {
        using var knowsNone = SharedToken.Switch("knows-no-copyable");
        var files = SharedToken.KeyFiles.Count;
        (await Generate("copyable")).Dispose();
        Assert.Equal(files + 1, SharedToken.KeyFiles.Count);
    }

    [Fact]
    public async Task KeyThatIsNotAsItWasAskedFor_IsDestroyed()
    {
        using var shortens = SharedToken.Switch("shortens-labels");
        var files = SharedToken.KeyFiles.Count;
        await Assert.ThrowsAsync<KmsException>(() => Generate("another").AsTask());
        Assert.Equal(files, SharedToken.KeyFiles.Count);
    }

    [Theory]
    [InlineData("encrypts-nothing", "")]
    [InlineData("encrypts-by-session-keys-only", "")]
    [InlineData("encrypts-by-session-keys-only destroys-nothing", "may be left in the token")]
    public async Task FirstStartThatIsRefused_LeavesNoKey_OrNamesIt(string misbehaviours, string said)
    {
        using var all = SharedToken.Switch(misbehaviours.Split(' '));
        var files = SharedToken.KeyFiles.Count;
        for (var start = 0; start < 2; start++)
        {
            var refusal = await RefusalOfAFirstStart();
            Assert.Contains("C_EncryptInit (CKM_AES_GCM) returned CKR_MECHANISM_INVALID", refusal, StringComparison.Ordinal);
            Assert.Contains("C_EncryptInit (CKM_AES_KEY_WRAP_PAD) returned CKR_MECHANISM_INVALID", refusal, StringComparison.Ordinal);
            Assert.Contains(said, refusal, StringComparison.Ordinal);
        }

        Assert.Equal(said.Length == 0 ? files : files + 2, SharedToken.KeyFiles.Count);
    }

    [Fact]
    public async Task Watch_DestroysWhatIsLeftOfDestroyedVersions_AndCallsItNoOrphan()
    {
        var watch = shared.Silo.Services.GetRequiredService<HsmOrphanWatch>();
        var orphans = shared.Silo.Services.GetRequiredService<HsmOrphans>();
        var old = await watch.Look(default);
        var listed = (await orphans.Find(default)).Count;
        var name = new KeyVersionName("left", Incarnation.New(), 1);
        var longAgo = Provider(new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(-3)));
        (await longAgo.Generate(_algorithm, name)).Dispose();
        await WriteDestroyed(name);
        var files = SharedToken.KeyFiles.Count;
        using (SharedToken.Switch("destroys-nothing"))
        {
            await Assert.ThrowsAsync<KmsException>(() => longAgo.Destroy(name).AsTask());
            Assert.Equal(old, await watch.Look(default));
            Assert.Equal(files, SharedToken.KeyFiles.Count);
        }

        Assert.Equal(old, await watch.Look(default));
        Assert.Equal(files - 1, SharedToken.KeyFiles.Count);
        Assert.Equal(listed, (await orphans.Find(default)).Count);
    }

    [Fact]
    public async Task KeyThatIsClosed_IsLookedForAnew()
    {
        var name = new KeyVersionName("elsewhere", Incarnation.New(), 1);
        using var made = await Generate(name);
        var version = Provider().Open(_algorithm, KeyUsage.EncryptDecrypt, name, made.Kept.Span);
        var id = made.Kept.Span.ToArray();

        // Every session of the pool has its handle now. Another silo destroys the key; the module of this one does not hear of it.
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => shared.Token.Run(session => session.FindKey(id), default)));
        using var other = new HsmToken(SharedToken.Options, TimeProvider.System, NullLogger<HsmToken>.Instance, NullLogger<HsmConnection>.Instance);
        await other.Connect(default);
        await new HsmKeyProvider(other, shared.Proofs, 1, "storage-tests", TimeProvider.System, NullLogger<HsmKeyProvider>.Instance).Destroy(name);
        version.Dispose();

        var found = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => shared.Token.Run(session => session.FindKey(id), default)));
        Assert.All(found, Assert.Null);
    }

    [Fact]
    public async Task End_WaitsForTheThreads()
    {
        var token = new HsmToken(SharedToken.Options, TimeProvider.System, NullLogger<HsmToken>.Instance, NullLogger<HsmConnection>.Instance);
        await token.Connect(default);
        using var gate = new ManualResetEventSlim();
        var began = new TaskCompletionSource<Thread>(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = token.Run(
            _ =>
            {
                began.SetResult(Thread.CurrentThread);
                return gate.Wait(Patience);
            },
            default);
        var thread = await began.Task.WaitAsync(Patience);
        var end = Task.Run(token.Dispose);

        // Refused, so the end has begun.
        while (token.IsUp) await Task.Yield();
        gate.Set();
        await end.WaitAsync(Patience);
        Assert.False(thread.IsAlive);
        Assert.True(await call);
    }

    private HsmKeyProvider Provider(TimeProvider? time = null) => shared.Keys("storage-tests", time);

    private ValueTask<GeneratedVersion> Generate(string keyId) => Generate(new KeyVersionName(keyId, Incarnation.New(), 1));

    private ValueTask<GeneratedVersion> Generate(KeyVersionName name) => Provider().Generate(_algorithm, name);

    private Task<List<HsmKeyFound>> List() => new HsmInventory(shared.Token, "storage-tests", TimeProvider.System).List(default);

    /// <summary>The row of a key whose one version is destroyed, and erased as far as anybody knows.</summary>
    private async Task WriteDestroyed(KeyVersionName name)
    {
        var slot = new RowSlot<KeyRow>(
            shared.Silo.Services.GetRequiredKeyedService<Orleans.Storage.IGrainStorage>(StorageNames.Sealed),
            GrainId.Create("key", name.KeyId), RowNames.Key);
        await slot.Read();
        await slot.Write(new()
        {
            Incarnation = name.Incarnation,
            Spec = _algorithm.Spec,
            Usage = KeyUsage.EncryptDecrypt,
            State = KeyState.Enabled,
            Protection = KeyProtection.Hsm,
            Origin = KeyOrigin.Generated,
            CreatedAt = DateTimeOffset.UtcNow,
            PrimaryVersion = name.Version,
            Versions = [new(name.Version, KeyVersionState.Destroyed, DateTimeOffset.UtcNow)],
        });
    }

    private static async Task<string> RefusalOfAFirstStart()
    {
        using var directory = new TemporaryDirectory();
        var options = SharedToken.WithRootLabel("root-" + Guid.NewGuid().ToString("N")) with { MayCreateRoot = true };
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo => silo.UseLocalhostClustering().AddKmsStorage(
            new KmsStorageOptions { DataDirectory = directory.Path, Hsm = options }));
        using var host = builder.Build();
        return (await Assert.ThrowsAsync<StartRefusedException>(() => host.StartAsync())).Message;
    }
}
