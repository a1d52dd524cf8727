using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Macs;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>What a module may do wrong with keys that sign: what it says then, and what never leaves.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmSignatureFaultTests(SharedToken shared) : IClassFixture<SharedToken>
{
    private static readonly KeyAlgorithm _p256 = new EcdsaP256Algorithm();
    private static readonly KeyAlgorithm _ed25519 = new Ed25519Algorithm();
    private static readonly KeyAlgorithm _rsa = new RsaAlgorithm(2048);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _service = Guid.NewGuid().ToString("N");

    private HsmKeyProvider Keys => shared.Keys(_service);

    public static TheoryData<string> Signing => new("ECC_NIST_P256", "ED25519", "RSA_2048");

    [Theory]
    [MemberData(nameof(Signing))]
    public async Task WrongSignature_DoesNotLeave_AndTheOperatorHears(string spec)
    {
        using var signs = await Make(spec);
        using (SharedToken.Switch("signs-wrong"))
        {
            var refusal = await Assert.ThrowsAsync<KmsException>(() => Sign(signs).AsTask());
            Assert.Equal(
                ("hsm_unavailable", "The HSM gave a wrong answer, which is withheld; the log says more."), (refusal.Code, refusal.Message));
            Assert.Equal(refusal.Message, shared.Token.WhyUnhealthy);

            // Nor is a key taken whose private part does not fit.
            var files = SharedToken.KeyFiles.Count;
            Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(() => Make(spec))).Code);
            Assert.Equal(files, SharedToken.KeyFiles.Count);
        }

        Assert.True(shared.Token.IsUp);
        Assert.NotEmpty(await Sign(signs));
        (await Make(spec)).Dispose();
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task WrongSignature_IsMadeAgainOnce()
    {
        using var signs = await Make("ECC_NIST_P256");
        using var once = SharedToken.Switch("signs-wrong-once");
        Assert.NotEmpty(await Sign(signs));
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task TokenThatSignsNothing_IsAway_AndComesBack()
    {
        using var signs = await Make("ECC_NIST_P256");
        using (SharedToken.Switch("signs-nothing"))
        {
            Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(() => Sign(signs).AsTask())).Code);
        }

        await Until(() => shared.Token.IsUp);
        Assert.NotEmpty(await Sign(signs));
    }

    [Theory]
    [InlineData("makes-extractable-keys", "ECC_NIST_P256")]
    [InlineData("makes-extractable-keys", "RSA_2048")]
    [InlineData("mixes-pairs-up", "ECC_NIST_P256")]
    [InlineData("mixes-pairs-up", "ED25519")]
    [InlineData("makes-exponent-3", "RSA_2048")]
    [InlineData("shortens-labels", "ED25519")]
    public async Task PairThatIsNotAsItWasAskedFor_IsDestroyed(string misbehaviour, string spec)
    {
        var files = SharedToken.KeyFiles.Count;
        using (SharedToken.Switch(misbehaviour))
        {
            Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(() => Make(spec))).Code);
        }

        Assert.Equal(files, SharedToken.KeyFiles.Count);
        Assert.False(shared.Token.IsHealthy);
        (await Make("ECC_NIST_P256")).Dispose();
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task TokenThatKeepsPairsTogether_IsLeftWithThePrivateKeyAlone()
    {
        using var together = SharedToken.Switch("keeps-pairs-together");
        var files = SharedToken.KeyFiles.Count;
        using var signs = await Make("ECC_NIST_P256");
        Assert.Equal(files + 1, SharedToken.KeyFiles.Count);
        Assert.NotEmpty(await Sign(signs));
    }

    [Fact]
    public async Task PublicKeyThatCannotBeDestroyed_IsListedAndDestroyedWithItsPair()
    {
        var name = new KeyVersionName("both", Incarnation.New(), 1);
        var files = SharedToken.KeyFiles.Count;
        using (SharedToken.Switch("keeps-pairs-together", "destroys-nothing"))
        {
            await Assert.ThrowsAsync<KmsException>(async () => await Keys.Generate(_p256, name));
        }

        Assert.Equal(files + 2, SharedToken.KeyFiles.Count);
        await shared.Token.ListAnew(default);
        var inventory = new HsmInventory(shared.Token, _service, TimeProvider.System);
        var orphan = Assert.Single(await inventory.List(default));
        Assert.Equal("both v1", orphan.Label);
        await inventory.Destroy(orphan.Id, default);
        Assert.Equal(files, SharedToken.KeyFiles.Count);
        Assert.Empty(await inventory.List(default));
    }

    [Fact]
    public async Task ErasureOfAPair_TakesBothObjects()
    {
        var name = new KeyVersionName("erased", Incarnation.New(), 1);
        var files = SharedToken.KeyFiles.Count;
        using (SharedToken.Switch("keeps-pairs-together", "destroys-nothing"))
        {
            await Assert.ThrowsAsync<KmsException>(async () => await Keys.Generate(_p256, name));
        }

        await shared.Token.ListAnew(default);
        await Keys.Destroy(name);
        Assert.Equal(files, SharedToken.KeyFiles.Count);
    }

    [Fact]
    public async Task FullToken_SaysSo()
    {
        using (SharedToken.Switch("is-full"))
        {
            var refusal = await Assert.ThrowsAsync<KmsException>(() => Make("RSA_2048"));
            Assert.Equal(
                ("hsm_unavailable", "The HSM refused the call: C_GenerateKeyPair (CKM_RSA_PKCS_KEY_PAIR_GEN) returned CKR_DEVICE_MEMORY: the token is full."),
                (refusal.Code, refusal.Message));
        }

        (await Make("ED25519")).Dispose();
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task SpecThatTheTokenLacks_IsRefusedByName_AndTheOthersAreNot()
    {
        using var proofs = Proofs(TimeProvider.System);
        using (SharedToken.Switch("knows-no-eddsa"))
        {
            await proofs.ProveAll(default);
        }

        var keys = new HsmKeyProvider(shared.Token, proofs, 1, _service, TimeProvider.System, NullLogger<HsmKeyProvider>.Instance);
        Assert.DoesNotContain("ED25519", proofs.Specs);
        // SoftHSM makes keys of X25519 by the same mechanism.
        Assert.Equal(shared.Proofs.Specs.Except(["ED25519", "X25519"]), proofs.Specs);
        Assert.Equal(
            "The HSM does not support keys of this spec: C_GenerateKeyPair (CKM_EC_EDWARDS_KEY_PAIR_GEN) returned CKR_MECHANISM_INVALID.",
            await keys.WhyUnsupported(_ed25519, KeyUsage.SignVerify));
        Assert.Null(await keys.WhyUnsupported(_p256, KeyUsage.SignVerify));
        await Assert.ThrowsAsync<KmsException>(async () => await keys.Generate(_ed25519, new("none", Incarnation.New(), 1)));

        // A key from better days.
        var name = new KeyVersionName("old", Incarnation.New(), 1);
        using var made = await Keys.Generate(_ed25519, name);
        using var signs = keys.Open(_ed25519, KeyUsage.SignVerify, name, made.Kept.Span, made.PublicPart).Require<ISigns>();
        Assert.False(signs.IsAvailable);
        Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(() => Sign(signs).AsTask())).Code);
    }

    [Fact]
    public async Task TokenWhoseSignaturesAreWrong_HoldsNoKeysThatSign()
    {
        using var proofs = Proofs(TimeProvider.System);
        using (SharedToken.Switch("signs-wrong"))
        {
            await proofs.ProveAll(default);
        }

        Assert.Equal(shared.Proofs.Specs.Where(name => name is "AES_256_GCM" or "X25519" || name.Contains(':', StringComparison.Ordinal)), proofs.Specs);
        var keys = new HsmKeyProvider(shared.Token, proofs, 1, _service, TimeProvider.System, NullLogger<HsmKeyProvider>.Instance);
        Assert.Equal(
            "The HSM does not support keys of this spec: The token's ECDSA_SHA_256 signature does not verify.",
            await keys.WhyUnsupported(_p256, KeyUsage.SignVerify));
        Assert.Equal(
            "The HSM does not support keys of this spec: The token's CKM_SHA256_HMAC is another function than HMAC.",
            await keys.WhyUnsupported(new Hmac256Algorithm(), KeyUsage.Mac));
    }

    [Fact]
    public async Task WhileTheTokenIsAway_NothingIsConcluded()
    {
        var time = new FakeTimeProvider();
        using var proofs = Proofs(time);
        Task proving;
        using (SharedToken.Switch("signs-nothing"))
        {
            proving = proofs.ProveAll(default);
            await Until(() => proofs.Specs.Any());
            Assert.Equal(["AES_256_GCM"], proofs.Specs);
            Assert.False(proving.IsCompleted);
            using var ended = new CancellationTokenSource(TimeSpan.Zero);
            var keys = new HsmKeyProvider(shared.Token, proofs, 1, _service, TimeProvider.System, NullLogger<HsmKeyProvider>.Instance);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await keys.WhyUnsupported(_rsa, KeyUsage.SignVerify, ended.Token));
        }

        while (!proving.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Yield();
        }

        await proving;
        Assert.Equal(shared.Proofs.Specs, proofs.Specs);
        await Until(() => shared.Token.IsUp);
    }

    [Fact]
    public async Task WhatNobodyWaitsForAnyMore_IsDisposedOnceItIsMade()
    {
        using var gate = new ManualResetEventSlim();
        using var ended = new CancellationTokenSource();
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var made = new Result();
        var making = shared.Token.RunSlowChange(
            _ =>
            {
                began.SetResult();
                Assert.True(gate.Wait(Patience));
                return made;
            },
            ended.Token);
        await began.Task.WaitAsync(Patience);

        // It keeps nobody else.
        Assert.True(await shared.Token.Run(_ => true, default).WaitAsync(Patience));
        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => making);
        Assert.False(made.Disposed.Task.IsCompleted);
        gate.Set();
        await made.Disposed.Task.WaitAsync(Patience);
        Assert.True(shared.Token.IsHealthy);
    }

    private HsmProofs Proofs(TimeProvider time) => new(shared.Token, SharedToken.Options, time, NullLogger<HsmProofs>.Instance);

    private async Task<ISigns> Make(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        var name = new KeyVersionName("fault", Incarnation.New(), 1);
        using var made = await Keys.Generate(algorithm, name);
        return Keys.Open(algorithm, KeyUsage.SignVerify, name, made.Kept.Span, made.PublicPart).Require<ISigns>();
    }

    private static ValueTask<byte[]> Sign(ISigns signs) => signs.Sign(SignatureInput.Of(signs.Schemes, new("a message"u8.ToArray())));

    private static async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class Result : IDisposable
    {
        public TaskCompletionSource Disposed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose() => Disposed.SetResult();
    }
}
