using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Providers;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>The key grain with keys in the HSM that decrypt with RSA and that agree, on a real token and a real database.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmUsageGrainTests(SharedToken shared) : HsmGrainTest(shared), IClassFixture<SharedToken>
{
    private const string Sha1 = "RSAES_OAEP_SHA_1";

    private static readonly byte[] _plaintext = "for the module alone"u8.ToArray();

    private KmsClient Kms => new(Silo.Grains, new() { Principal = "tests" });

    [Fact]
    public async Task Ciphertexts_OfTheServiceAndOfOthers_AreDecrypted_ByNameAlone()
    {
        var created = await Create("rsa", "RSA_2048", KeyUsage.EncryptDecrypt);
        Assert.Equal([Sha1], created.Algorithms!);
        Assert.Equal([Sha1], (await PublicKey("rsa")).Algorithms!);

        // The default algorithm is not this token's, and no other takes its place. Nothing is spent.
        foreach (var refusal in (Func<Task>[])
        [
            async () => await Kms.Encrypt("rsa", _plaintext), async () => await Kms.EncryptWith("rsa", _plaintext, "RSAES_OAEP_SHA_256"),
            async () => await Kms.DecryptRaw("rsa", 1, new byte[256]),
        ])
        {
            await Refused("unsupported_algorithm", refusal);
        }

        Assert.Equal(0, (await Describe("rsa")).Uses.Encrypt);
        var first = await Kms.EncryptWith("rsa", _plaintext, Sha1);
        using var theirs = RSA.Create();
        theirs.ImportSubjectPublicKeyInfo((await PublicKey("rsa")).PublicKey, out _);
        var raw = theirs.Encrypt(_plaintext, RSAEncryptionPadding.OaepSHA1);
        await Silo.Key("rsa").Rotate(new(TestSilo.Caller));
        var second = await Kms.EncryptWith("rsa", _plaintext, Sha1);
        Assert.Equal((1, 2), (first.KeyVersion, second.KeyVersion));
        await Restart();
        Assert.Equal(_plaintext, (await Kms.Decrypt(first.Ciphertext)).Plaintext);

        // Encrypting, and the refusal of what is no ciphertext, wait until it is known what the token does.
        await Task.WhenAll(HsmMechanism.All.Select(m => Silo.Services.GetRequiredService<HsmProofs>().Get(m, CancellationToken.None)));
        foreach (var ciphertext in (byte[][])[first.Ciphertext, second.Ciphertext, (await Kms.Rewrap(first.Ciphertext)).Ciphertext])
        {
            Assert.Equal(_plaintext, (await Kms.Decrypt(ciphertext)).Plaintext);
        }

        Assert.Equal(_plaintext, (await Kms.DecryptRaw("rsa", 1, raw, Sha1)).Plaintext);
        await Refused("invalid_ciphertext", () => Kms.DecryptRaw("rsa", 2, raw, Sha1));
        var batch = await Silo.Key("rsa").DecryptBatch(new(TestSilo.Caller, [new(first.Ciphertext), new(second.Ciphertext[..^1]), new(second.Ciphertext)]));
        Assert.Equal([null, "invalid_ciphertext", null], batch.Select(item => item.Error?.Code));
        var key = await Describe("rsa");
        Assert.Equal((3, 8, 0), (key.Uses.Encrypt, key.Uses.Decrypt, key.Uses.Sign));
        Assert.Equal(["rsa v1", "rsa v2"], await OnToken("rsa"));
        await Refused("wrong_key_usage", () => Kms.GenerateDataKey("rsa"));
    }

    [Fact]
    public async Task WhileTheHsmIsAway_ItsKeysEncrypt_AndDecryptNothing()
    {
        await Create("away", "RSA_2048", KeyUsage.EncryptDecrypt);
        await Create("agrees", "ECC_NIST_P256", KeyUsage.KeyAgreement);
        Gate.IsAway = true;
        var calls = Hsm.Calls;
        var encrypted = await Kms.EncryptWith("away", _plaintext, Sha1);
        await Refused("hsm_unavailable", () => Kms.Decrypt(encrypted.Ciphertext));
        await Refused("hsm_unavailable", () => Agree("agrees", Peer()));
        Assert.Equal(calls, Hsm.Calls);
        Gate.IsAway = false;
        Assert.Equal(_plaintext, (await Kms.Decrypt(encrypted.Ciphertext)).Plaintext);
        await Agree("agrees", Peer());
    }

    [Theory]
    [InlineData("ECC_NIST_P256")]
    [InlineData("ECC_NIST_P521")]
    public async Task AgreedKeys_AreThoseOfASoftwareKey(string spec)
    {
        Assert.Empty((await Create("agrees", spec, KeyUsage.KeyAgreement)).Algorithms ?? []);
        using var theirs = Peer(spec);
        var info = theirs.PublicKey.ExportSubjectPublicKeyInfo();
        var raw = await Derive("agrees", new() { Caller = TestSilo.Caller, PublicKey = info, Raw = true });
        using var ours = ECDiffieHellman.Create();
        ours.ImportSubjectPublicKeyInfo((await PublicKey("agrees")).PublicKey, out _);
        using var oursPublic = ours.PublicKey;
        Assert.Equal(theirs.DeriveRawSecretAgreement(oursPublic), raw.Key);
        var derived = await Derive("agrees", new() { Caller = TestSilo.Caller, PublicKey = info, Context = [1, 2], Bytes = 77 });
        Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA256, raw.Key, 77, [], [1, 2]), derived.Key);

        // Another version agrees on another secret; the old one by its number.
        await Silo.Key("agrees").Rotate(new(TestSilo.Caller));
        Assert.NotEqual(raw.Key, (await Derive("agrees", new() { Caller = TestSilo.Caller, PublicKey = info, Raw = true })).Key);
        await Restart();
        Assert.Equal(raw.Key, (await Derive("agrees", new() { Caller = TestSilo.Caller, PublicKey = info, Raw = true, KeyVersion = 1 })).Key);
        await Refused("invalid_parameter", () => Derive("agrees", new() { Caller = TestSilo.Caller, PublicKey = info[..^1] }));
        await Refused("wrong_key_usage", async () => await Silo.Grains.GetGrain<IKeySignaturesGrain>("agrees").Sign(new(TestSilo.Caller, new([1]))));
        var key = await Describe("agrees");
        Assert.Equal((5, 0), (key.Uses.Derive, key.Uses.Sign));
        await Silo.Versions("agrees").ScheduleDestruction(new(TestSilo.Caller, 1, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        await Describe("agrees");
        Assert.Equal(["agrees v2"], await OnToken("agrees"));
    }

    [Fact]
    public async Task ChangeWhileTheHsmWorks_DecidesWhatTheAnswerIs()
    {
        await Create("rsa", "RSA_2048", KeyUsage.EncryptDecrypt);
        await Create("agrees", "ECC_NIST_P256", KeyUsage.KeyAgreement);
        var encrypted = await Kms.EncryptWith("rsa", _plaintext, Sha1);
        Gate.Hold();
        var decryption = Kms.Decrypt(encrypted.Ciphertext);
        Task[] agreements = [Agree("agrees", Peer()), Agree("agrees", Peer(), version: 1)];
        await Gate.Held(3).WaitAsync(Patience);
        await Silo.Key("rsa").Disable(new(TestSilo.Caller)).WaitAsync(Patience);
        await Silo.Key("agrees").Disable(new(TestSilo.Caller)).WaitAsync(Patience);
        Gate.Release();
        await Refused("key_disabled", () => decryption);
        foreach (var agreement in agreements) await Refused("key_disabled", () => agreement);
    }

    private static Task Refused<T>(string code, Func<ValueTask<T>> call) => Refused(code, async () => { await call(); });

    private static ECDiffieHellman Peer(string spec = "ECC_NIST_P256") =>
        ECDiffieHellman.Create(spec == "ECC_NIST_P521" ? ECCurve.NamedCurves.nistP521 : ECCurve.NamedCurves.nistP256);

    private async Task Agree(string id, ECDiffieHellman peer, int? version = null)
    {
        using (peer)
        {
            var derived = await Derive(id, new() { Caller = TestSilo.Caller, PublicKey = peer.PublicKey.ExportSubjectPublicKeyInfo(), KeyVersion = version });
            Assert.Equal(32, derived.Key.Length);
        }
    }

    private async Task<Derived> Derive(string id, Derive request) => await Silo.Grains.GetGrain<IKeyDerivationGrain>(id).Derive(request);

    private Task<KeyDescription> Create(string id, string spec, KeyUsage usage) => Silo.Key(id).Create(new()
    {
        Caller = TestSilo.Caller,
        Spec = spec,
        Usage = usage,
        Protection = KeyProtection.Hsm,
        Within = KmsLimits.MaxRequestTimeout,
    });

    private Task<PublicKeyDescription> PublicKey(string id) => Silo.Grains.GetGrain<IPublicKeyGrain>(id).Read(new(TestSilo.Caller, null));
}
