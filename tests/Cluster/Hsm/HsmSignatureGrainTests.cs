using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Providers;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>The key grain with keys in the HSM that sign and authenticate, on a real token and a real database.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmSignatureGrainTests(SharedToken shared) : HsmGrainTest(shared), IClassFixture<SharedToken>
{
    private const string Rsa = "RSA_2048";
    private const string P256 = "ECC_NIST_P256";

    private static readonly byte[] _message = "signed in a module"u8.ToArray();
    private static readonly SignItem _item = new(_message);

    [Theory]
    [InlineData(P256)]
    [InlineData("ED25519")]
    [InlineData(Rsa)]
    public async Task Signatures_AreMadeAndCountedAsThoseOfASoftwareKey(string spec)
    {
        var inHsm = await SignInEveryWay("in.hsm", spec, KeyProtection.Hsm);
        await Silo.DisposeAsync();
        Time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await Start();
        var inSoftware = await SignInEveryWay("in.soft", spec, KeyProtection.Software);

        // Ed25519ph is not in the HSM.
        Assert.Equal(inSoftware.Algorithms!.Where(name => name != "ED25519_PH"), inHsm.Algorithms);
        Assert.Equal(
            JsonSerializer.Serialize(inSoftware with { Algorithms = null }),
            JsonSerializer.Serialize(inHsm with { Id = inSoftware.Id, Protection = KeyProtection.Software, Algorithms = null }));
        await Restart();
        Assert.Equal(JsonSerializer.Serialize(inHsm), JsonSerializer.Serialize(await Describe("in.hsm")));
        var again = await Sign("in.hsm");
        Assert.Equal(new Verified(true, 2), await Verify("in.hsm", again.Value));
    }

    [Fact]
    public async Task Macs_AreMadeAndCountedAsThoseOfASoftwareKey()
    {
        var inHsm = await AuthenticateInEveryWay("in.hsm", KeyProtection.Hsm);
        await Silo.DisposeAsync();
        Time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await Start();
        var inSoftware = await AuthenticateInEveryWay("in.soft", KeyProtection.Software);
        Assert.Equal(
            JsonSerializer.Serialize(inSoftware),
            JsonSerializer.Serialize(inHsm with { Id = inSoftware.Id, Protection = KeyProtection.Software }));
    }

    [Theory]
    [InlineData(P256, "ES256")]
    [InlineData("ED25519", "EdDSA")]
    [InlineData(Rsa, "PS256")]
    public async Task Token_OfAKeyForTokens_IsVerifiedWithItsPublicKey(string spec, string algorithm)
    {
        await Create("jws", spec, KeyUsage.Jws);
        var jws = await Silo.Grains.GetGrain<IKeyJwsGrain>("jws").Sign(new(TestSilo.Caller, "{\"sub\":\"alice\"}"u8.ToArray()));
        Assert.Equal((1, algorithm), (jws.KeyVersion, jws.Algorithm));
        var parts = jws.Text.Split('.');
        var signed = System.Text.Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
        var signature = System.Buffers.Text.Base64Url.DecodeFromChars(parts[2]);
        var info = (await PublicKey("jws")).PublicKey;
        Assert.True(KeyAlgorithms.TryFind(spec, out var found));
        using var verifies = found.OpenPublic(KeyUsage.SignVerify, 1, info)!.Require<IVerifies>();
        var scheme = ((Grains.Cryptography.Signatures.SignatureAlgorithm)found).JwsAlgorithms[0].Scheme;
        Assert.True(verifies.Verify(new(scheme, signed, IsDigest: false, SignatureEncoding.P1363, default), signature));
        await Refused("wrong_key_usage", () => Sign("jws"));
    }

    [Fact]
    public async Task WhileTheHsmIsAway_ItsKeysVerify_AndShowTheirPublicKeys()
    {
        await Create("away", P256);
        var signed = await Sign("away");
        var before = await PublicKey("away");
        await Restart();
        Gate.IsAway = true;
        var calls = Hsm.Calls;
        Assert.True((await Verify("away", signed.Value)).IsValid);
        Assert.Equal(before.PublicKey, (await PublicKey("away")).PublicKey);
        Assert.Equal(calls, Hsm.Calls);
        await Refused("hsm_unavailable", () => Sign("away"));
        Assert.Equal("hsm_unavailable", (await Silo.Key("away").Validate(new(TestSilo.Caller))).Error);

        // A use that was started counts.
        Assert.Equal(2, (await Describe("away")).Uses.Sign);
        Gate.IsAway = false;
        await Sign("away");
    }

    [Theory]
    [InlineData(P256)]
    [InlineData(Rsa)]
    [InlineData("HMAC_256")]
    public async Task Destruction_ErasesTheObjects(string spec)
    {
        await Create("lives", spec);
        await Silo.Key("lives").Rotate(new(TestSilo.Caller));
        Assert.Equal(["lives v1", "lives v2"], await OnToken("lives"));
        await Silo.Versions("lives").ScheduleDestruction(new(TestSilo.Caller, 1, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        await Describe("lives");
        Assert.Equal(["lives v2"], await OnToken("lives"));
        await Silo.Key("lives").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(KeyState.Destroyed, (await Describe("lives")).State);
        Assert.Empty(await OnToken("lives"));
    }

    [Fact]
    public async Task RotationOfARsaKey_KeepsNobodyFromIt()
    {
        await Create("busy", Rsa);
        Gate.Hold(onlyMaking: true);
        var rotation = Silo.Key("busy").Rotate(new(TestSilo.Caller));
        await Gate.Held(1).WaitAsync(Patience);

        // Its object is there already, and the key signs and can be changed.
        Assert.Equal(["busy v1", "busy v2"], await OnToken("busy"));
        Assert.Equal(1, (await Sign("busy").WaitAsync(Patience)).KeyVersion);
        await Silo.Key("busy").Update(new() { Caller = TestSilo.Caller, Description = new(true, "changed") }).WaitAsync(Patience);
        Assert.False(rotation.IsCompleted);
        Gate.Release();
        Assert.Equal(2, (await rotation.WaitAsync(Patience)).PrimaryVersion);
        Assert.Equal(2, (await Sign("busy")).KeyVersion);
        Assert.Equal(["busy v1", "busy v2"], await OnToken("busy"));
    }

    [Fact]
    public async Task DisableWhileAVersionIsMade_LeavesNothingOfIt()
    {
        await Create("disabled", Rsa);
        Gate.Hold(onlyMaking: true);
        var rotation = Silo.Key("disabled").Rotate(new(TestSilo.Caller));
        await Gate.Held(1).WaitAsync(Patience);
        await Silo.Key("disabled").Disable(new(TestSilo.Caller)).WaitAsync(Patience);
        Gate.Release();
        await Refused("key_disabled", () => rotation);
        await Until(async () => (await OnToken("disabled")).Count == 1);
        Assert.Equal(["disabled v1"], await OnToken("disabled"));
    }

    [Fact]
    public async Task SpareOfAnEarlierRotation_ServesNoOtherNumber()
    {
        await Create("twice", Rsa);
        await Silo.Key("twice").Rotate(new(TestSilo.Caller));
        await Silo.Key("twice").Rotate(new(TestSilo.Caller));
        Assert.Equal(["twice v1", "twice v2", "twice v3"], await OnToken("twice"));
        await Restart();
        Assert.Equal(3, (await Sign("twice")).KeyVersion);
    }

    [Fact]
    public async Task CreationThatTakesTooLong_LeavesNothing()
    {
        await Refused("timeout", () => Silo.Key("late").Create(new()
        {
            Caller = TestSilo.Caller,
            Spec = "RSA_4096",
            Protection = KeyProtection.Hsm,
            Within = TimeSpan.FromSeconds(1),
        }));
        await Refused("key_not_found", () => Describe("late"));
        await Until(async () => (await OnToken("late")).Count == 0);
        await Create("late", P256);
        Assert.Equal(["late v1"], await OnToken("late"));
    }

    [Theory]
    [InlineData("ECC_SECG_P256K1", null)]
    [InlineData("HKDF_256", null)]
    [InlineData("ML_DSA_65", null)]
    public async Task Create_WhatTheHsmDoesNotHave_IsRefused(string spec, KeyUsage? usage)
    {
        await Refused("unsupported_algorithm", () => Create("refused", spec, usage));
        await Refused("key_not_found", () => Describe("refused"));
    }

    [Fact]
    public async Task Ed25519ph_IsRefused()
    {
        await Create("ed", "ED25519");
        var refusal = await Assert.ThrowsAsync<KmsException>(() => Sign("ed", _item with { Algorithm = "ED25519_PH" }));
        Assert.Equal(("unsupported_algorithm", "The algorithms of this key are: ED25519."), (refusal.Code, refusal.Message));
        Assert.Equal("ED25519", Assert.Single((await PublicKey("ed")).Algorithms!));
    }

    [Fact]
    public async Task WhileAProgramOfLevel5MayRun_NoSuchKeyIsMade()
    {
        await KeyDatabase.Scalar(Silo, "UPDATE okms_schema SET least_program_version = 4, feature_level = 5");
        await Restart();
        foreach (var (spec, usage) in HsmMechanism.All.Select(m => (m.Spec, m.Usages[0])).Where(kind => kind.Spec != "AES_256_GCM"))
        {
            var refusal = await Assert.ThrowsAsync<KmsException>(() => Create("new", spec, usage));
            Assert.Equal("conflict", refusal.Code);
            var what = usage == KeyUsage.EncryptDecrypt ? "for this usage" : "with this protection";
            Assert.Contains($"Keys of {spec} {what} can be created only after the upgrade", refusal.Message, StringComparison.Ordinal);
        }

        await Create("old", "AES_256_GCM");
        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        await Create("new", P256);
        await Sign("new");
    }

    [Theory]
    [InlineData("disable", "key_disabled")]
    [InlineData("disable-version", "version_not_usable")]
    public async Task ChangeWhileTheHsmSigns_DecidesWhatTheAnswerIs(string change, string error)
    {
        await Create("changing", P256);
        await Create("mac", "HMAC_256");
        Gate.Hold();
        var signature = Sign("changing");
        var batch = Signatures("changing").SignBatch(new(TestSilo.Caller, [_item])).AsTask();
        var mac = Silo.Grains.GetGrain<IKeyMacsGrain>("mac").Generate(new(TestSilo.Caller, new(_message))).AsTask();
        await Gate.Held(3).WaitAsync(Patience);
        foreach (var id in (string[])["changing", "mac"])
        {
            await (change == "disable" ? Silo.Key(id).Disable(new(TestSilo.Caller)) : Silo.Key(id).DisableVersion(new(TestSilo.Caller, 1))).WaitAsync(Patience);
        }

        Gate.Release();
        await Refused(error, () => signature);
        await Refused(error, () => mac);
        Assert.Equal(error, Assert.Single(await batch).Error?.Code);
    }

    private async Task<KeyDescription> SignInEveryWay(string id, string spec, KeyProtection protection)
    {
        var created = await Create(id, spec, protection: protection);
        Assert.Equal((protection, KeyUsage.SignVerify), (created.Protection, created.Usage));
        var first = await Sign(id);
        await RequireByThePlatform(await PublicKey(id), first);
        await Silo.Key(id).Rotate(new(TestSilo.Caller));
        var second = await Sign(id);
        Assert.Equal((1, 2), (first.KeyVersion, second.KeyVersion));
        Assert.Equal(new Verified(true, 1), await Verify(id, first.Value));
        Assert.Equal(new Verified(false, null), await Verify(id, [.. first.Value, 0]));
        var batch = await Signatures(id).SignBatch(new(TestSilo.Caller, [_item, _item with { Algorithm = "none" }, _item]));
        Assert.Equal([null, "unsupported_algorithm", null], batch.Select(r => r.Error?.Code));
        await Silo.Key(id).DisableVersion(new(TestSilo.Caller, 1));
        Assert.False((await Verify(id, first.Value)).IsValid);
        await Silo.Key(id).EnableVersion(new(TestSilo.Caller, 1));
        await Refused("wrong_key_usage", async () => await Silo.Key(id).Encrypt(new(TestSilo.Caller, _message)));
        var description = await Describe(id);
        Assert.Equal(4, description.Uses.Sign);
        return description;
    }

    private async Task<KeyDescription> AuthenticateInEveryWay(string id, KeyProtection protection)
    {
        await Create(id, "HMAC_384", protection: protection);
        var grain = Silo.Grains.GetGrain<IKeyMacsGrain>(id);
        var first = await grain.Generate(new(TestSilo.Caller, new(_message)));
        await Silo.Key(id).Rotate(new(TestSilo.Caller));
        var second = await grain.Generate(new(TestSilo.Caller, new(_message)));
        Assert.Equal((1, 2, 48), (first.KeyVersion, second.KeyVersion, second.Mac.Length));
        Assert.Equal(new Verified(true, 1), await grain.Verify(new(TestSilo.Caller, new(_message, first.Mac))));
        Assert.Equal(new Verified(true, 2), await grain.Verify(new(TestSilo.Caller, new(_message, second.Mac, 2))));
        Assert.False((await grain.Verify(new(TestSilo.Caller, new([1], first.Mac)))).IsValid);
        await Refused("invalid_parameter", async () => await grain.Verify(new(TestSilo.Caller, new(_message, first.Mac[..16]))));
        var batch = await grain.GenerateBatch(new(TestSilo.Caller, [new(_message), new([])]));
        Assert.All(batch, result => Assert.Null(result.Error));
        Assert.Equal(second.Mac, batch[0].Value!.Mac);
        return await Describe(id);
    }

    private static Task RequireByThePlatform(PublicKeyDescription key, Signature signature)
    {
        if (key.Spec == P256)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(key.PublicKey, out _);
            Assert.True(ecdsa.VerifyData(_message, signature.Value, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        }
        else if (key.Spec == Rsa)
        {
            using var rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(key.PublicKey, out _);
            Assert.True(rsa.VerifyData(_message, signature.Value, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
        }
        else
        {
            var point = Org.BouncyCastle.Security.PublicKeyFactory.CreateKey(key.PublicKey);
            var verifier = new Org.BouncyCastle.Crypto.Signers.Ed25519Signer();
            verifier.Init(forSigning: false, point);
            verifier.BlockUpdate(_message, 0, _message.Length);
            Assert.True(verifier.VerifySignature(signature.Value));
        }

        return Task.CompletedTask;
    }

    private Task<KeyDescription> Create(string id, string spec, KeyUsage? usage = null, KeyProtection protection = KeyProtection.Hsm) =>
        Silo.Key(id).Create(new()
        {
            Caller = TestSilo.Caller,
            Spec = spec,
            Usage = usage,
            Protection = protection,
            Within = KmsLimits.MaxRequestTimeout,
        });

    private IKeySignaturesGrain Signatures(string id) => Silo.Grains.GetGrain<IKeySignaturesGrain>(id);

    private async Task<Signature> Sign(string id, SignItem? item = null) => await Signatures(id).Sign(new(TestSilo.Caller, item ?? _item));

    private async Task<Verified> Verify(string id, byte[] signature) => await Signatures(id).Verify(new(TestSilo.Caller, new(_item, signature, null)));

    private Task<PublicKeyDescription> PublicKey(string id) => Silo.Grains.GetGrain<IPublicKeyGrain>(id).Read(new(TestSilo.Caller, null));
}
