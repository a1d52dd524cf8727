using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>Keys that sign: how they are made, what they count, and what a key of another usage answers.</summary>
public sealed class SignatureKeyTests : KeyGrainTest
{
    private const string Spec = "ECC_NIST_P256";
    private static readonly SignItem _item = new(Plaintext);

    [Fact]
    public async Task Signature_IsVerifiedByWhateverVersionMadeIt_AlsoAfterARestart()
    {
        var created = await Silo.Create("signs", spec: Spec);
        Assert.Equal((KeyUsage.SignVerify, "ECDSA_SHA_256"), (created.Usage, Assert.Single(created.Algorithms!)));
        var first = await Sign("signs");
        await Rotate("signs");
        var second = await Sign("signs");
        Assert.Equal((1, 2, "ECDSA_SHA_256"), (first.KeyVersion, second.KeyVersion, second.Algorithm));
        await Restart();
        Assert.Equal(new(true, 1), await Verify("signs", first.Value));
        Assert.Equal(new(true, 2), await Verify("signs", second.Value));
        Assert.Equal(new(true, 1), await Verify("signs", first.Value, 1));
        Assert.Equal(new(false, null), await Verify("signs", first.Value, 2));
        Assert.Equal(new(false, null), await Verify("signs", [.. first.Value, 0]));
        await Refused("not_found", () => Verify("signs", first.Value, 3));
    }

    [Fact]
    public async Task Versions_ThatMayNot_VerifyNoMore()
    {
        await Silo.Create("versions", spec: Spec);
        var first = await Sign("versions");
        await Rotate("versions");
        await Silo.Key("versions").DisableVersion(new(TestSilo.Caller, 1));
        Assert.False((await Verify("versions", first.Value)).IsValid);
        await Refused("version_not_usable", () => Verify("versions", first.Value, 1));
        await Silo.Key("versions").EnableVersion(new(TestSilo.Caller, 1));
        Assert.True((await Verify("versions", first.Value)).IsValid);
        await Silo.Key("versions").Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 2 });
        Assert.False((await Verify("versions", first.Value)).IsValid);
        await Refused("version_not_usable", () => Verify("versions", first.Value, 1));
        await Silo.Key("versions").DisableVersion(new(TestSilo.Caller, 2));
        await Refused("version_not_usable", () => Verify("versions", first.Value));
        await Refused("version_not_usable", () => Sign("versions"));
        await Silo.Key("versions").Disable(new(TestSilo.Caller));
        await Refused("key_disabled", () => Verify("versions", first.Value));
        await Refused("key_disabled", () => Sign("versions"));
    }

    [Fact]
    public async Task VersionsBeyondAFew_AreTriedOnlyWhileTheCallerWaits()
    {
        await Silo.Create("many", spec: Spec);
        var first = await Sign("many");
        for (var i = 0; i < 17; i++) await Rotate("many");
        Assert.Equal(new(true, 1), await Verify("many", first.Value));
        Assert.Equal(new(false, null), await Verify("many", [1, 2, 3]));
        var grain = Grain<IKeySignaturesGrain>("many");
        await Refused("timeout", async () => await grain.Verify(new(TestSilo.Caller, new(_item, first.Value)) { Within = TimeSpan.Zero }));
        Assert.True((await grain.Verify(new(TestSilo.Caller, new(_item, first.Value, 1)) { Within = TimeSpan.Zero })).IsValid);
        var batch = await grain.VerifyBatch(new(TestSilo.Caller, [new(_item, first.Value, 1), new(_item, first.Value)]) { Within = TimeSpan.Zero });
        Assert.All(batch, item => Assert.Equal("timeout", item.Error?.Code));
        Assert.Equal(3, (await Describe("many")).Uses.Verify);
    }

    [Fact]
    public async Task Signatures_AreCountedAsUses_AndVerificationsCostNone()
    {
        await Silo.Create("counts", spec: Spec);
        Signature signed = null!;
        for (var i = 0; i < 7; i++) signed = await Sign("counts");
        for (var i = 0; i < 5; i++) await Verify("counts", signed.Value);
        await Verify("counts", [1, 2, 3]);
        await Restart();
        var key = await Describe("counts");
        Assert.Equal((0, 0, 7, 6), (key.Uses.Encrypt, key.Uses.Decrypt, key.Uses.Sign, key.Uses.Verify));
        Assert.Equal((13L * Plaintext.Length, 7), (key.Uses.Bytes, Assert.Single(key.Versions).Uses));
        var stored = Assert.Single((await Row<KeyUsageRow>("counts", RowNames.KeyUsage))!.Versions);
        Assert.Equal((7, 6, 0), (stored.Ceiling, stored.Verified, stored.Decrypted));
    }

    [Fact]
    public async Task Signatures_AreNeverTooFew_AfterACrash_AndPlansGoByThem()
    {
        await Silo.Create("plan", new(null, 20), Spec);
        var versions = new List<int>();
        for (var i = 0; i < 45; i++) versions.Add((await Sign("plan")).KeyVersion);
        Assert.Equal([20, 20, 5], versions.GroupBy(v => v).OrderBy(g => g.Key).Select(g => g.Count()));
        await Silo.Create("crash", spec: Spec);
        for (var i = 0; i < 3; i++) await Sign("crash");
        await Silo.Kill();
        await Restart();
        Assert.InRange((await Describe("crash")).Uses.Sign, 3, 1024);
    }

    [Fact]
    public async Task Items_CountEach_AndFailAlone()
    {
        await Silo.Create("items", spec: Spec);
        var grain = Grain<IKeySignaturesGrain>("items");
        var signed = await grain.SignBatch(new(TestSilo.Caller, [_item, _item with { Algorithm = "ED25519" }, _item with { Encoding = SignatureEncoding.P1363 }]));
        Assert.Equal([null, "unsupported_algorithm", null], signed.Select(s => s.Error?.Code));
        Assert.Equal(64, signed[2].Value!.Value.Length);
        var verified = await grain.VerifyBatch(new(TestSilo.Caller,
        [
            new(_item, signed[0].Value!.Value), new(_item, signed[2].Value!.Value),
            new(_item with { Encoding = SignatureEncoding.P1363 }, signed[2].Value!.Value), new(_item, [], 9),
        ]));
        Assert.Equal([true, false, true, null], verified.Select(v => v.Value?.IsValid));
        Assert.Equal("not_found", verified[3].Error!.Code);
        Assert.Equal((2, 3), ((await Describe("items")).Uses.Sign, (await Describe("items")).Uses.Verify));
    }

    [Fact]
    public async Task PublicKey_IsKeptInTheRow_ForEachVersionThatIsNotDestroyed_AndReadInAnyState()
    {
        await Silo.Create("public", spec: Spec);
        var first = await PublicKey("public");
        await Rotate("public");
        var second = await PublicKey("public");
        Assert.Equal((1, 2, Spec, KeyUsage.SignVerify), (first.KeyVersion, second.KeyVersion, second.Spec, second.Usage));
        Assert.NotEqual(first.PublicKey, second.PublicKey);
        Assert.Equal(first.PublicKey, (await PublicKey("public", 1)).PublicKey);
        Assert.Equal([first.PublicKey, second.PublicKey], (await Row<KeyRow>("public", RowNames.Key))!.Versions.Select(v => v.PublicKey!));
        await Silo.Key("public").Disable(new(TestSilo.Caller));
        Assert.Equal(first.PublicKey, (await PublicKey("public", 1)).PublicKey);
        await Silo.Key("public").Enable(new(TestSilo.Caller));
        await DestroyVersion("public", 1);
        await Refused("version_not_usable", () => PublicKey("public", 1));
        await Refused("not_found", () => PublicKey("public", 3));
        Assert.Null((await Row<KeyRow>("public", RowNames.Key))!.Versions[0].PublicKey);
        await Silo.Key("public").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(KeyState.Destroyed, (await Describe("public")).State);
        await Refused("key_destroyed", () => PublicKey("public"));
    }

    [Fact]
    public async Task KeyOfAnotherUsage_IsRefusedEverywhere()
    {
        await Silo.Create("encrypts");
        await Silo.Create("signs", spec: Spec);
        var ciphertext = (await Encrypt("encrypts")).Ciphertext;
        var grain = Grain<IKeySignaturesGrain>("encrypts");
        await Refused("wrong_key_usage", () => Sign("encrypts"));
        await Refused("wrong_key_usage", () => Verify("encrypts", [1]));
        await Refused("wrong_key_usage", async () => await grain.SignBatch(new(TestSilo.Caller, [_item])));
        await Refused("wrong_key_usage", async () => await grain.VerifyBatch(new(TestSilo.Caller, [new(_item, [1])])));
        await Refused("wrong_key_usage", () => PublicKey("encrypts"));
        await Sign("signs");
        var key = Silo.Key("signs");
        await Refused("wrong_key_usage", () => Encrypt("signs"));
        await Refused("wrong_key_usage", async () => await key.Decrypt(new(TestSilo.Caller, ciphertext)));
        await Refused("wrong_key_usage", async () => await key.Rewrap(new(TestSilo.Caller, ciphertext)));
        await Refused("wrong_key_usage", async () => await key.GenerateDataKey(new(TestSilo.Caller, 32, WithPlaintext: true)));
        await Refused("wrong_key_usage", async () => await key.EncryptBatch(new(TestSilo.Caller, [new(Plaintext)])));
        await Refused("wrong_key_usage", async () => await key.DecryptBatch(new(TestSilo.Caller, [new(ciphertext)])));
        var uses = (await Describe("signs")).Uses;
        Assert.Equal((0, 0, 1), (uses.Encrypt, uses.Decrypt, uses.Sign));
        Assert.True((await key.Validate(new(TestSilo.Caller))).Valid);
        foreach (var usage in Enum.GetValues<KeyUsage>().Where(usage => usage is not (KeyUsage.SignVerify or KeyUsage.KeyAgreement or KeyUsage.Jws)))
        {
            await Refused("invalid_parameter", () => Silo.Key("other").Create(new() { Caller = TestSilo.Caller, Spec = Spec, Usage = usage }));
        }
    }

    [Fact]
    public async Task Tokens_AreCountedAsUses_AndTheirKeysArePublishedUntilTheyAreDisabled()
    {
        await Silo.Key("tokens").Create(new() { Caller = TestSilo.Caller, Spec = Spec, Usage = KeyUsage.Jws, Rotation = new(null, 3) });
        var tokens = new List<Jws>();
        for (var i = 0; i < 5; i++) tokens.Add(await Grain<IKeyJwsGrain>("tokens").Sign(new(TestSilo.Caller, Plaintext)));
        Assert.Equal([1, 1, 1, 2, 2], tokens.Select(token => token.KeyVersion));
        Assert.DoesNotContain(tokens[0].Text, tokens[0].ToString(), StringComparison.Ordinal);
        await Restart();
        var key = await Describe("tokens");
        Assert.Equal((KeyUsage.Jws, "ES256", 5, 0), (key.Usage, Assert.Single(key.Algorithms!), key.Uses.Sign, key.Uses.Encrypt));
        Assert.Equal([2, 1], await Published("tokens"));
        Assert.Equal([2], await Published("tokens", 1));
        await Silo.Key("tokens").DisableVersion(new(TestSilo.Caller, 1));
        Assert.Equal([2], await Published("tokens"));
        await Refused("wrong_key_usage", () => Sign("tokens"));
        await Refused("wrong_key_usage", () => Verify("tokens", [1]));
        await Silo.Create("signs-texts", spec: Spec);
        await Refused("wrong_key_usage", async () => await Grain<IKeyJwsGrain>("signs-texts").Sign(new(TestSilo.Caller, Plaintext)));
        Assert.Empty(await Published("signs-texts"));
        await Silo.Kill();
        await Restart();
        Assert.InRange((await Describe("tokens")).Uses.Sign, 5, 5 + 1024);
    }

    [Fact]
    public async Task Limits_CountSignaturesAndVerifications_NotReadingAPublicKey()
    {
        await Silo.Key("limited").Create(new()
        {
            Caller = TestSilo.Caller,
            Spec = Spec,
            Limits = [new(3, TimeSpan.FromMinutes(1), "use"), new(1, TimeSpan.FromMinutes(1), "keys:verify")],
        });
        var signed = await Sign("limited");
        await Verify("limited", signed.Value);
        await Refused("rate_limited", () => Verify("limited", signed.Value));
        await Sign("limited");
        await Refused("rate_limited", () => Sign("limited"));
        await PublicKey("limited");
        Time.Advance(TimeSpan.FromMinutes(2));
        await Sign("limited");
    }

    [Fact]
    public async Task WhileAnOlderProgramMayRun_NoKeyOfANewSpecIsMade()
    {
        await KeyDatabase.Scalar(Silo, "UPDATE okms_schema SET least_program_version = 3, feature_level = 4");
        await Restart();
        var refusal = await Assert.ThrowsAsync<KmsException>(() => Silo.Create("new", spec: Spec));
        Assert.Equal("conflict", refusal.Code);
        Assert.Contains($"Keys of {Spec} for this usage can be created only after the upgrade", refusal.Message, StringComparison.Ordinal);
        Assert.Null(await Row<KeyRow>("new", RowNames.Key));
        Assert.Null(await Row<KeyUsageRow>("new", RowNames.KeyUsage));
        await Silo.Create("old");

        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        await Silo.Create("new", spec: Spec);
        await Sign("new");
    }

    [Fact]
    public async Task WhileAProgramOfLevel5MayRun_NoKeyForTokensIsMade()
    {
        await KeyDatabase.Scalar(Silo, "UPDATE okms_schema SET least_program_version = 4, feature_level = 5");
        await Restart();
        foreach (var spec in KeyAlgorithms.All.Where(algorithm => algorithm.Usages.Contains(KeyUsage.Jws)).Select(algorithm => algorithm.Spec))
        {
            await Refused("conflict", () => Silo.Key("tokens").Create(new() { Caller = TestSilo.Caller, Spec = spec, Usage = KeyUsage.Jws }));
        }

        Assert.Null(await Row<KeyRow>("tokens", RowNames.Key));
        await Silo.Create("signs-texts", spec: Spec);
        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        await Silo.Key("tokens").Create(new() { Caller = TestSilo.Caller, Spec = Spec, Usage = KeyUsage.Jws });
        Assert.Equal([1], await Published("tokens"));
    }

    private async Task<Signature> Sign(string id) => await Grain<IKeySignaturesGrain>(id).Sign(new(TestSilo.Caller, _item));

    private async Task<IEnumerable<int>> Published(string id, int limit = 10) =>
        (await Grain<IPublishedKeysGrain>(id).Read(new(TestSilo.Caller, limit))).Keys.Select(key => key.KeyVersion);

    private async Task<Verified> Verify(string id, byte[] signature, int? version = null) =>
        await Grain<IKeySignaturesGrain>(id).Verify(new(TestSilo.Caller, new(_item, signature, version)));

    private Task<PublicKeyDescription> PublicKey(string id, int? version = null) =>
        Grain<IPublicKeyGrain>(id).Read(new(TestSilo.Caller, version));

    private T Grain<T>(string id)
        where T : IGrainWithStringKey => Silo.Grains.GetGrain<T>(id);
}
