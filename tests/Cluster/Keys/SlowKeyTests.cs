using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Providers;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>Keys whose material takes long to make: the key goes on meanwhile, and what nobody waits for leaves nothing behind.</summary>
public sealed class SlowKeyTests : IAsyncLifetime
{
    private static readonly SignItem _item = new("slow"u8.ToArray());
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-slow-");
    private readonly HeldProvider _provider = new();
    private TestSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await TestSilo.Start(
        new() { DataDirectory = _folder.FullName },
        services: services =>
        {
            services.Remove(services.Single(s => s.ServiceType == typeof(IKeyProvider) && s.ImplementationType is not null));
            services.AddSingleton<IKeyProvider>(_provider);
        });

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task WhileAVersionIsMade_TheKeyGoesOn()
    {
        await Create("goes.on");
        Assert.Equal(1, (await Sign("goes.on")).KeyVersion);
        _provider.Hold();
        var rotating = _silo.Key("goes.on").Rotate(new(TestSilo.Caller));
        await _provider.Held;
        Assert.Equal(1, (await Sign("goes.on")).KeyVersion);
        Assert.Equal(1, (await _silo.Key("goes.on").Describe(new(TestSilo.Caller))).PrimaryVersion);
        await _silo.Key("goes.on").Update(new() { Caller = TestSilo.Caller, Description = new(true, "changed") });
        Assert.False(rotating.IsCompleted);
        _provider.Release();
        Assert.Equal(2, (await rotating).PrimaryVersion);
        Assert.Equal(2, (await Sign("goes.on")).KeyVersion);
    }

    [Fact]
    public async Task KeyThatIsDisabledMeanwhile_GetsNoVersion()
    {
        await Create("disabled");
        _provider.Hold();
        var rotating = _silo.Key("disabled").Rotate(new(TestSilo.Caller));
        await _provider.Held;
        await _silo.Key("disabled").Disable(new(TestSilo.Caller));
        _provider.Release();
        Assert.Equal("key_disabled", (await Assert.ThrowsAsync<KmsException>(() => rotating)).Code);
        Assert.Equal(1, (await _silo.Key("disabled").Describe(new(TestSilo.Caller))).PrimaryVersion);
    }

    [Fact]
    public async Task PlanByUse_MakesItsVersion_AndALimitCountsARotationOnce()
    {
        await _silo.Key("plan").Create(new() { Caller = TestSilo.Caller, Spec = HeldProvider.Spec, Rotation = new(null, 2) });
        var versions = new List<int>();
        for (var i = 0; i < 5; i++) versions.Add((await Sign("plan")).KeyVersion);
        Assert.Equal([1, 1, 2, 2, 3], versions);
        await _silo.Key("plan").Update(new() { Caller = TestSilo.Caller, Limits = new(true, [new(1, TimeSpan.FromMinutes(1), "keys:rotate")]) });
        Assert.Equal(4, (await _silo.Key("plan").Rotate(new(TestSilo.Caller))).PrimaryVersion);
    }

    [Fact]
    public async Task KeyThatIsNotMadeInTime_LeavesNothingBehind_AndItsIdIsFree()
    {
        _provider.Hold();
        var late = _silo.Key("late").Create(new() { Caller = TestSilo.Caller, Spec = HeldProvider.Spec, Within = TimeSpan.FromSeconds(1.1) });
        await _provider.Held;
        Assert.Equal("timeout", (await Assert.ThrowsAsync<KmsException>(() => late)).Code);
        _provider.Release();
        Assert.Equal(0, await KeyDatabase.Count(_silo, "okms_row WHERE grain_key LIKE '%late%'"));
        Assert.Equal("key_not_found", (await Assert.ThrowsAsync<KmsException>(() => _silo.Key("late").Describe(new(TestSilo.Caller)))).Code);
        await Create("late");
        Assert.Equal(1, (await Sign("late")).KeyVersion);
        Assert.Equal("key_exists", (await Assert.ThrowsAsync<KmsException>(() => Create("late"))).Code);
    }

    [Fact]
    public async Task SlowSignature_HoldsUpNobody_AndDoesNotLeaveADisabledKey()
    {
        await _silo.Create("hashes", spec: "SLH_DSA_SHA2_128S");
        var signature = await Sign("hashes");
        Assert.True((await _silo.Grains.GetGrain<IKeySignaturesGrain>("hashes").Verify(new(TestSilo.Caller, new(_item, signature.Value)))).IsValid);

        // All threads for slow work are held, so the signature cannot be made before the key is disabled.
        using var gate = new SemaphoreSlim(0);
        var holders = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => SlowWork.Shared.Run(() =>
        {
            gate.Wait();
            return 0;
        })).ToList();
        var signing = Sign("hashes");
        while (!signing.IsCompleted && (await Describe("hashes")).Uses.Sign < 2)
        {
            // It has begun once its use is spent, and meanwhile the key answers.
        }

        await _silo.Key("hashes").Disable(new(TestSilo.Caller));
        gate.Release(holders.Count);
        await Task.WhenAll(holders);
        Assert.Equal("key_disabled", (await Assert.ThrowsAsync<KmsException>(() => signing)).Code);
    }

    private Task<KeyDescription> Describe(string id) => _silo.Key(id).Describe(new(TestSilo.Caller));

    private Task<KeyDescription> Create(string id) => _silo.Create(id, spec: HeldProvider.Spec);

    private async Task<Signature> Sign(string id) => await _silo.Grains.GetGrain<IKeySignaturesGrain>(id).Sign(new(TestSilo.Caller, _item));

    /// <summary>Keys in this process, of which a test can hold the making.</summary>
    private sealed class HeldProvider : IKeyProvider
    {
        /// <summary>A spec that is slow to make, and signs at once.</summary>
        public const string Spec = "RSA_2048";

        private readonly SoftwareKeyProvider _inner = new();
        private TaskCompletionSource? _held;
        private TaskCompletionSource _released = new();

        public Task Held => _held!.Task;

        public KeyProtection Protection => _inner.Protection;

        public bool AnswersAtOnce => _inner.AnswersAtOnce;

        public int Parallelism => _inner.Parallelism;

        public void Hold() => (_held, _released) = (new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously));

        public void Release()
        {
            _held = null;
            _released.SetResult();
        }

        public bool Supports(KeyAlgorithm algorithm) => true;

        public async ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyVersionName name, CancellationToken cancellationToken)
        {
            if (_held is { } held)
            {
                held.TrySetResult();
                await _released.Task.WaitAsync(cancellationToken);
            }

            return await _inner.Generate(algorithm, name, cancellationToken);
        }

        public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept) =>
            _inner.Open(algorithm, usage, name, kept);

        public ValueTask Destroy(KeyVersionName name) => _inner.Destroy(name);
    }
}
