using System.Security.Cryptography;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>Keys that derive, agree and make MACs, and data key pairs, through the .NET client: what they count, and how they last.</summary>
public sealed class DerivationKeyTests : KeyGrainTest
{
    private static readonly byte[] _context = "context"u8.ToArray();

    private KmsClient Kms => new(Silo.Grains, new() { Principal = "tests" });

    [Fact]
    public async Task Derivations_AreCountedByTheVersionThatTheyAreOf_AndLastOverARestart()
    {
        await Kms.CreateKey("derives", "HKDF_256");
        var first = await Kms.DeriveKey("derives", _context);
        await Kms.RotateKey("derives");
        var second = await Kms.DeriveKey("derives", _context);
        Assert.NotEqual(first.Key, second.Key);
        await Restart();
        Assert.Equal(first.Key, (await Kms.DeriveKey("derives", _context, keyVersion: 1)).Key);
        Assert.Equal(first.Key, (await Kms.DeriveKey("derives", _context, keyVersion: 1)).Key);
        Assert.Equal(second.Key, (await Kms.DeriveKey("derives", _context, keyVersion: 2)).Key);
        Assert.Equal(second.Key, (await Kms.DeriveKey("derives", _context)).Key);
        await Restart();
        var key = await Describe("derives");
        Assert.Equal((6, 0, 0), (key.Uses.Derive, key.Uses.Encrypt, key.Uses.Mac));
        Assert.Equal([3, 3], key.Versions.Select(v => v.Uses));
        Assert.Equal([3L, 3L], (await Row<KeyUsageRow>("derives", RowNames.KeyUsage))!.Versions.Select(v => v.Ceiling));
    }

    [Fact]
    public async Task Derivations_OfAnOldVersion_AreNeverTooFew_AfterACrash()
    {
        await Kms.CreateKey("crash", "HKDF_256", new(null, 3));
        for (var i = 0; i < 4; i++) await Kms.DeriveKey("crash", _context);
        for (var i = 0; i < 5; i++) await Kms.DeriveKey("crash", _context, keyVersion: 1);
        var before = await Describe("crash");
        Assert.Equal((2, 8, 1), (before.PrimaryVersion, before.Versions[0].Uses, before.Versions[1].Uses));
        await Silo.Kill();
        await Restart();
        var after = await Describe("crash");
        Assert.InRange(after.Versions[0].Uses, 8, 8 + 1024);
        Assert.InRange(after.Versions[1].Uses, 1, 3);
        await Kms.DeriveKey("crash", _context, keyVersion: 1);
        Assert.True((await Describe("crash")).Versions[0].Uses > after.Versions[0].Uses);
    }

    [Fact]
    public async Task Limits_CountDerivations_WhicheverVersionTheyAreOf()
    {
        await Kms.CreateKey("limited", "HKDF_256");
        await Kms.RotateKey("limited");
        await Silo.Key("limited").Update(new() { Caller = TestSilo.Caller, Limits = new(true, [new(3, TimeSpan.FromHours(1), "keys:derive")]) });
        await Kms.DeriveKey("limited", _context, keyVersion: 1);
        await Kms.DeriveKey("limited", _context);
        await Kms.DeriveKey("limited", _context, keyVersion: 2);
        await Refused("rate_limited", () => Kms.DeriveKey("limited", _context, keyVersion: 1));
        await Refused("rate_limited", () => Kms.DeriveKey("limited", _context));
    }

    [Theory]
    [InlineData("X25519", null)]
    [InlineData("ECC_NIST_P384", KeyUsage.KeyAgreement)]
    public async Task TwoKeys_Agree_WhereverTheyAre(string spec, KeyUsage? usage)
    {
        foreach (var id in (string[])["one", "two"]) await Silo.Key(id).Create(new() { Caller = TestSilo.Caller, Spec = spec, Usage = usage });
        var (one, two) = (await PublicKey("one"), await PublicKey("two"));
        var agreed = await Kms.AgreeOnKey("one", two, _context);
        Assert.Equal(agreed.Key, (await Kms.AgreeOnKey("two", one, _context)).Key);
        Assert.NotEqual(agreed.Key, (await Kms.AgreeOnKey("two", one)).Key);
        await Kms.RotateKey("one");
        await Restart();
        Assert.Equal(agreed.Key, (await Kms.AgreeOnKey("one", two, _context, keyVersion: 1)).Key);
        Assert.NotEqual(agreed.Key, (await Kms.AgreeOnKey("one", two, _context)).Key);
        await Refused("invalid_parameter", () => Kms.AgreeOnKey("one", two[..^1]));
        await Refused("wrong_key_usage", () => Kms.GenerateMac("one", _context));

        // Whether a public key is good is known only after the use was spent.
        Assert.Equal(4, (await Describe("one")).Uses.Derive);
    }

    [Fact]
    public async Task Macs_AreUses_AndVerificationsAreNot()
    {
        await Kms.CreateKey("macs", "HMAC_384", new(null, 2));
        var macs = new List<GeneratedMac>();
        for (var i = 0; i < 5; i++) macs.Add(await Kms.GenerateMac("macs", Plaintext));
        Assert.Equal([1, 1, 2, 2, 3], macs.Select(m => m.KeyVersion));
        await Restart();
        foreach (var mac in macs) Assert.Equal(new(true, mac.KeyVersion), await Kms.VerifyMac("macs", Plaintext, mac.Mac));
        Assert.Equal(new(true, 1), await Kms.VerifyMac("macs", Plaintext, macs[0].Mac, 1));
        Assert.Equal(new(false, null), await Kms.VerifyMac("macs", Plaintext, macs[0].Mac, 3));
        Assert.Equal(new(false, null), await Kms.VerifyMac("macs", _context, macs[0].Mac));
        await Refused("invalid_parameter", () => Kms.VerifyMac("macs", Plaintext, macs[0].Mac[..24]));
        await Refused("not_found", () => Kms.VerifyMac("macs", Plaintext, macs[0].Mac, 4));
        await Restart();
        var key = await Describe("macs");
        Assert.Equal((5, 8, 0), (key.Uses.Mac, key.Uses.Verify, key.Uses.Sign));
        Assert.Equal([2, 2, 1], key.Versions.Select(v => v.Uses));
        await DestroyVersion("macs", 1);
        Assert.False((await Kms.VerifyMac("macs", Plaintext, macs[0].Mac)).IsValid);
        await Refused("version_not_usable", () => Kms.VerifyMac("macs", Plaintext, macs[0].Mac, 1));
    }

    [Fact]
    public async Task DataKeyPair_IsDecryptedAsSuch_AndUsedElsewhere()
    {
        await Kms.CreateKey("pairs");
        var pair = await Kms.GenerateDataKeyPair("pairs", "ECC_NIST_P256", _context);
        var opened = await Kms.Decrypt(pair.Ciphertext, _context);
        Assert.Equal((CiphertextKind.DataKeyPair, 1), (opened.Kind, opened.KeyVersion));
        Assert.Equal(pair.PrivateKey, opened.Plaintext);
        using var signer = ECDsa.Create();
        signer.ImportPkcs8PrivateKey(opened.Plaintext, out _);
        Assert.Equal(pair.PublicKey, signer.ExportSubjectPublicKeyInfo());
        await Refused("unsupported_algorithm", () => Kms.GenerateDataKeyPair("pairs", "AES_256_GCM"));
        Assert.Equal(1, (await Describe("pairs")).Uses.Encrypt);
    }

    private async Task<byte[]> PublicKey(string id) =>
        (await Silo.Grains.GetGrain<IPublicKeyGrain>(id).Read(new(TestSilo.Caller))).PublicKey;

    private static async Task Refused<T>(string code, Func<ValueTask<T>> call) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(async () => await call())).Code);
}
