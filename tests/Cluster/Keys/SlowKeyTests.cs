using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Keys.Backups;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;

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

        // What was made for it is zeroed.
        Assert.Throws<ObjectDisposedException>(() => _provider.Made!.Kept.Span.Length);
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
    public async Task RestoredKeyWhoseNewVersionIsNotMadeInTime_LeavesNothingBehind_AndIsRestoredLater()
    {
        using var made = await new SoftwareKeyProvider().Generate(KeyAlgorithms.TryFind(HeldProvider.Spec, out var algorithm) ? algorithm : null!, KeyUsage.SignVerify, default);
        using var material = MaterialBundle.Of([new(1, made.Kept)]);
        var row = new KeyRow
        {
            Spec = HeldProvider.Spec,
            Usage = KeyUsage.SignVerify,
            State = KeyState.Enabled,
            Protection = KeyProtection.Software,
            Origin = KeyOrigin.Generated,
            CreatedAt = DateTimeOffset.UnixEpoch,
            PrimaryVersion = 1,
            Versions = [new(1, KeyVersionState.Enabled, DateTimeOffset.UnixEpoch) { PublicKey = made.PublicPart }],
        };
        using var content = BackupContent.Write(new() { MadeAt = DateTimeOffset.UnixEpoch, Key = row, Counters = new() }, material);
        var backup = _silo.Services.GetRequiredService<BackupSealer>().Seal(GrainId.Create("key", "back.late"), Incarnation.New(), content.Span);
        var backups = _silo.Grains.GetGrain<IKeyBackupsGrain>("back.late");
        _provider.Hold();
        var late = backups.Restore(new(TestSilo.Caller, backup) { Within = TimeSpan.FromSeconds(1.1) });
        await _provider.Held;
        Assert.Equal("timeout", (await Assert.ThrowsAsync<KmsException>(() => late)).Code);
        _provider.Release();
        Assert.Equal(0, await KeyDatabase.Count(_silo, "okms_row WHERE grain_key LIKE '%back.late%'"));
        var restored = await backups.Restore(new(TestSilo.Caller, backup) { Within = KmsLimits.MaxRequestTimeout });
        Assert.Equal(restored.PrimaryVersion, (await Sign("back.late")).KeyVersion);
        Assert.InRange(restored.PrimaryVersion, KmsLimits.Versions + 1, int.MaxValue);
    }

    [Fact]
    public async Task SlowSignature_HoldsUpNobody_AndDoesNotLeaveADisabledKey()
    {
        await _silo.Create("hashes", spec: "SLH_DSA_SHA2_128S");
        var signature = await Sign("hashes");
        Assert.True((await _silo.Grains.GetGrain<IKeySignaturesGrain>("hashes").Verify(new(TestSilo.Caller, new(_item, signature.Value)))).IsValid);

        // All threads for slow signatures are held, so this one cannot be made before the key is disabled.
        using var gate = new SemaphoreSlim(0);
        var holders = HoldSignatures(gate);
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

    [Fact]
    public async Task SlowSignatures_EndWithTheirCallersTime_AndKeysAreMadeMeanwhile()
    {
        await _silo.Create("late.hashes", spec: "SLH_DSA_SHA2_128S");
        using var gate = new SemaphoreSlim(0);
        var holders = HoldSignatures(gate);
        var late = await Signatures("late.hashes").SignBatch(new(TestSilo.Caller, [_item, _item, _item]) { Within = TimeSpan.FromSeconds(1) });
        Assert.All(late, item => Assert.Equal("timeout", item.Error?.Code));

        // Of the items after the one that waited none was begun.
        Assert.InRange((await Describe("late.hashes")).Uses.Sign, 0, 1);
        await Create("made.meanwhile");
        gate.Release(holders.Count);
        await Task.WhenAll(holders);
    }

    [Fact]
    public async Task BatchOfSignatures_LetsADisableRunBetweenItems_AndThenNoneOfThemLeaves()
    {
        await _silo.Create("batch", spec: "ECC_NIST_P256");
        _provider.Slowly = new();
        var signing = Signatures("batch").SignBatch(
            new(TestSilo.Caller, [.. Enumerable.Repeat(_item, KmsLimits.BatchItems)]) { Within = KmsLimits.MaxRequestTimeout }).AsTask();
        await _provider.Slowly.Begun.Task;
        await _silo.Key("batch").Disable(new(TestSilo.Caller));
        Assert.All(await signing, item => Assert.Equal("key_disabled", item.Error?.Code));
        Assert.InRange(_provider.Slowly.Signed, 1, KmsLimits.BatchItems - 1);
    }

    [Fact]
    public async Task KeyWhoseVersionIsUsedUp_IsDescribedWhileTheNextIsMade()
    {
        await _silo.Key("described").Create(new() { Caller = TestSilo.Caller, Spec = HeldProvider.Spec, Rotation = new(null, 1) });
        await Sign("described");
        _provider.Hold();
        Assert.Equal(1, (await Describe("described")).PrimaryVersion);
        await _provider.Held;
        Assert.Equal(1, (await Describe("described")).PrimaryVersion);
        _provider.Release();
        while ((await Describe("described")).PrimaryVersion != 2)
        {
            // Looking begins it, and whoever looks later sees it.
        }
    }

    private static List<Task<int>> HoldSignatures(SemaphoreSlim gate) => [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => SlowWork.Signatures.Run(() =>
    {
        gate.Wait();
        return 0;
    }))];

    private Task<KeyDescription> Describe(string id) => _silo.Key(id).Describe(new(TestSilo.Caller));

    private Task<KeyDescription> Create(string id) => _silo.Create(id, spec: HeldProvider.Spec);

    private IKeySignaturesGrain Signatures(string id) => _silo.Grains.GetGrain<IKeySignaturesGrain>(id);

    // However long a slow signature takes on a machine that does much else.
    private async Task<Signature> Sign(string id) => await Signatures(id).Sign(new(TestSilo.Caller, _item) { Within = KmsLimits.MaxRequestTimeout });

    /// <summary>Keys in this process, of which a test can hold the making.</summary>
    private sealed class HeldProvider : IKeyProvider
    {
        /// <summary>A spec that is slow to make, and signs at once.</summary>
        public const string Spec = "RSA_2048";

        private readonly SoftwareKeyProvider _inner = new();
        private TaskCompletionSource? _held;
        private TaskCompletionSource _released = new();

        public Task Held => _held!.Task;

        /// <summary>What was made last.</summary>
        public GeneratedVersion? Made { get; private set; }

        /// <summary>Has signatures of versions that are opened from now on take time.</summary>
        public Slowness? Slowly { get; set; }

        public KeyProtection Protection => _inner.Protection;

        public bool AnswersAtOnce => _inner.AnswersAtOnce;

        public int Parallelism => _inner.Parallelism;

        public void Hold() => (_held, _released) = (new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously));

        public void Release()
        {
            _held = null;
            _released.SetResult();
        }

        public ValueTask<string?> WhyUnsupported(KeyAlgorithm algorithm, KeyUsage usage, CancellationToken cancellationToken) => default;

        public async ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, CancellationToken cancellationToken)
        {
            if (_held is { } held)
            {
                held.TrySetResult();
                await _released.Task.WaitAsync(cancellationToken);
            }

            return Made = await _inner.Generate(algorithm, usage, name, cancellationToken);
        }

        public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept, byte[]? publicPart)
        {
            var version = _inner.Open(algorithm, usage, name, kept);
            return Slowly is { } slowly ? new SlowVersion(version.Require<ISigns>(), slowly) : version;
        }

        public ValueTask Destroy(KeyVersionName name) => _inner.Destroy(name);
    }

    /// <summary>What became of signatures that take time.</summary>
    private sealed class Slowness
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Signed { get; set; }
    }

    /// <summary>Signs at once, and takes longer than a call may without letting others run.</summary>
    private sealed class SlowVersion(ISigns inner, Slowness slowly) : ISigns
    {
        public int Version => inner.Version;

        public bool IsAvailable => inner.IsAvailable;

        public IReadOnlyList<SignatureScheme> Schemes => inner.Schemes;

        public bool SignsAtOnce => true;

        public void RequireRoom() => inner.RequireRoom();

        public ValueTask<byte[]> Sign(SignatureInput input, CancellationToken cancellationToken = default)
        {
            slowly.Begun.TrySetResult();
            slowly.Signed++;
            var began = Environment.TickCount64;
            SpinWait.SpinUntil(() => Environment.TickCount64 - began > 15);
            return inner.Sign(input, cancellationToken);
        }

        public void Dispose() => inner.Dispose();
    }
}
