using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>Keys that encrypt with a public key, through the grain and the .NET client: what they count, what they refuse, how they last.</summary>
public sealed class PublicKeyEncryptionTests : KeyGrainTest
{
    private KmsClient Kms => new(Silo.Grains, new() { Principal = "tests" });

    [Fact]
    public async Task Ciphertexts_AreDecryptedByTheVersionThatMadeThem_RawOrNot_AlsoAfterARestart()
    {
        var created = await Create("rsa");
        Assert.Equal((KeyUsage.EncryptDecrypt, "RSAES_OAEP_SHA_256 RSAES_OAEP_SHA_1"), (created.Usage, string.Join(' ', created.Algorithms!)));
        var first = await Kms.Encrypt("rsa", Plaintext);
        var firstRaw = await Kms.EncryptWith("rsa", Plaintext, "RSAES_OAEP_SHA_1", raw: true);
        await Rotate("rsa");
        var second = await Kms.EncryptWith("rsa", Plaintext, "RSAES_OAEP_SHA_1");
        Assert.Equal((1, 1, 2, 256), (first.KeyVersion, firstRaw.KeyVersion, second.KeyVersion, firstRaw.Ciphertext.Length));
        await Restart();
        foreach (var whole in (Encrypted[])[first, second])
        {
            var opened = await Kms.Decrypt(whole.Ciphertext);
            Assert.Equal((whole.KeyVersion, CiphertextKind.Data), (opened.KeyVersion, opened.Kind));
            Assert.Equal(Plaintext, opened.Plaintext);
        }

        Assert.Equal(Plaintext, (await Kms.DecryptRaw("rsa", 1, firstRaw.Ciphertext, "RSAES_OAEP_SHA_1")).Plaintext);
        Assert.Equal(Plaintext, (await Kms.DecryptRaw("rsa", 1, first.Ciphertext[10..])).Plaintext);
        await Refused("invalid_ciphertext", () => Kms.DecryptRaw("rsa", 1, firstRaw.Ciphertext));
        await Refused("invalid_ciphertext", () => Kms.DecryptRaw("rsa", 2, firstRaw.Ciphertext, "RSAES_OAEP_SHA_1"));
        await Refused("not_found", () => Kms.DecryptRaw("rsa", 3, firstRaw.Ciphertext, "RSAES_OAEP_SHA_1"));
        await Refused("unsupported_algorithm", () => Kms.DecryptRaw("rsa", 1, firstRaw.Ciphertext, "RSAES_PKCS1_V1_5"));
        await Refused("unsupported_algorithm", () => Kms.EncryptWith("rsa", Plaintext, "RSASSA_PSS_SHA_256"));

        var moved = await Kms.Rewrap(second.Ciphertext);
        Assert.Equal((2, 0x41), (moved.KeyVersion, moved.Ciphertext[1]));
        moved = await Kms.Rewrap(first.Ciphertext);
        Assert.Equal((2, 0x40), (moved.KeyVersion, moved.Ciphertext[1]));
        Assert.Equal(Plaintext, (await Kms.Decrypt(moved.Ciphertext)).Plaintext);

        await Restart();
        var key = await Describe("rsa");
        Assert.Equal((5, 7), (key.Uses.Encrypt, key.Uses.Decrypt));
        Assert.Equal([2, 3], key.Versions.Select(v => v.Uses));
        Assert.Equal([2L, 3L], (await Row<KeyUsageRow>("rsa", RowNames.KeyUsage))!.Versions.Select(v => v.Ceiling));
        await DestroyVersion("rsa", 1);
        await Refused("version_not_usable", () => Kms.DecryptRaw("rsa", 1, firstRaw.Ciphertext, "RSAES_OAEP_SHA_1"));
        await Refused("version_not_usable", () => Kms.Decrypt(first.Ciphertext));
    }

    [Fact]
    public async Task WhatTheKeyHasNoUseFor_IsRefused_AndSpendsNothing()
    {
        await Create("rsa");
        await Silo.Create("aes");
        var (rsa, aes) = (Grain("rsa"), Grain("aes"));
        var (whole, sealed_) = (await Kms.Encrypt("rsa", Plaintext), await Kms.Encrypt("aes", Plaintext));
        foreach (var request in (Encrypt[])[new(Caller, Plaintext) { Raw = true }, new(Caller, Plaintext) { Algorithm = "RSAES_OAEP_SHA_256" }])
        {
            await Refused("invalid_parameter", () => aes.Encrypt(request));
        }

        foreach (var request in (Decrypt[])
        [
            new(Caller, sealed_.Ciphertext) { Algorithm = "RSAES_OAEP_SHA_256" }, new(Caller, sealed_.Ciphertext) { Raw = true, KeyVersion = 1 },
            new(Caller, sealed_.Ciphertext) { KeyVersion = 1 },
        ])
        {
            await Refused("invalid_parameter", () => aes.Decrypt(request));
        }

        foreach (var request in (Decrypt[])
        [
            new(Caller, whole.Ciphertext) { Raw = true }, new(Caller, whole.Ciphertext) { KeyVersion = 1 }, new(Caller, whole.Ciphertext, [1]),
            new(Caller, whole.Ciphertext) { Raw = true, KeyVersion = 0 }, new(Caller, whole.Ciphertext, [1]) { Raw = true, KeyVersion = 1 },
        ])
        {
            await Refused("invalid_parameter", () => rsa.Decrypt(request));
            if (request.AssociatedData is null) await Refused("invalid_parameter", async () => await Silo.Key("rsa").Rewrap(request));
        }

        await Refused("invalid_parameter", () => rsa.Encrypt(new(Caller, Plaintext, [1])));
        await Refused("invalid_parameter", () => rsa.Encrypt(new(Caller, new byte[191])));
        await Refused("invalid_parameter", () => rsa.Encrypt(new(Caller, new byte[215]) { Algorithm = "RSAES_OAEP_SHA_1" }));
        foreach (var kind in (CiphertextKind[])[CiphertextKind.DataKey, CiphertextKind.DataKeyPair])
        {
            await Refused("wrong_key_usage", () => rsa.Encrypt(new(Caller, Plaintext, Kind: kind)));
            byte[] claimed = [(byte)kind, .. whole.Ciphertext[1..]];
            await Refused("invalid_ciphertext", () => rsa.Decrypt(new(Caller, claimed)));
        }

        await Refused("wrong_key_usage", () => Kms.GenerateDataKey("rsa"));
        await Refused("wrong_key_usage", () => Kms.GenerateDataKeyPair("rsa", "ECC_NIST_P256"));
        await Refused("wrong_key_usage", () => Kms.Sign("rsa", new(Plaintext)));
        await Refused("wrong_key_usage", () => Kms.Verify("rsa", new(new(Plaintext), [1])));
        Assert.Equal((1, 0), ((await Describe("rsa")).Uses.Encrypt, (await Describe("rsa")).Uses.Decrypt));
        Assert.Equal((1, 0), ((await Describe("aes")).Uses.Encrypt, (await Describe("aes")).Uses.Decrypt));

        var made = await rsa.EncryptBatch(new(Caller, [new(Plaintext), new(Plaintext) { Raw = true }, new(Plaintext, [1]), new(new byte[191]), new(Plaintext) { Algorithm = "x" }]));
        Assert.Equal([null, null, "invalid_parameter", "invalid_parameter", "unsupported_algorithm"], made.Select(m => m.Error?.Code));
        var opened = await rsa.DecryptBatch(new(Caller,
        [
            new(made[0].Value!.Ciphertext), new(made[1].Value!.Ciphertext) { Raw = true, KeyVersion = 1 }, new(made[1].Value!.Ciphertext),
            new(made[1].Value!.Ciphertext) { Raw = true }, new(made[1].Value!.Ciphertext) { Raw = true, KeyVersion = 2 },
        ]));
        Assert.Equal([null, null, "invalid_ciphertext", "invalid_parameter", "not_found"], opened.Select(o => o.Error?.Code));
        Assert.Equal(Plaintext, opened[1].Value!.Plaintext);
        var late = await rsa.DecryptBatch(new(Caller, [new(made[0].Value!.Ciphertext), new(whole.Ciphertext)]) { Within = TimeSpan.Zero });
        Assert.Equal(["timeout", "timeout"], late.Select(o => o.Error?.Code));
        Assert.Equal(["timeout"], (await Silo.Key("rsa").RewrapBatch(new(Caller, [new(whole.Ciphertext)]) { Within = TimeSpan.Zero })).Select(o => o.Error?.Code));
    }

    [Fact]
    public async Task Uses_GoByThePlan_AreLimited_AndAreNeverTooFewAfterACrash()
    {
        await Silo.Key("plan").Create(new()
        {
            Caller = Caller,
            Spec = "RSA_2048",
            Usage = KeyUsage.EncryptDecrypt,
            Rotation = new(null, 3),
            Limits = [new(8, TimeSpan.FromHours(1), "keys:encrypt"), new(2, TimeSpan.FromHours(1), "keys:decrypt")],
        });
        var made = new List<Encrypted>();
        for (var i = 0; i < 8; i++) made.Add(await Kms.EncryptWith("plan", Plaintext, null, raw: true));
        Assert.Equal([1, 1, 1, 2, 2, 2, 3, 3], made.Select(m => m.KeyVersion));
        await Refused("rate_limited", () => Kms.Encrypt("plan", Plaintext));
        await Kms.DecryptRaw("plan", 1, made[0].Ciphertext);
        await Kms.DecryptRaw("plan", 3, made[7].Ciphertext);
        await Refused("rate_limited", () => Kms.DecryptRaw("plan", 3, made[7].Ciphertext));
        await Create("crash");
        for (var i = 0; i < 3; i++) await Kms.Encrypt("crash", Plaintext);
        await Silo.Kill();
        await Restart();
        Assert.InRange((await Describe("crash")).Uses.Encrypt, 3, 1024);
    }

    [Fact]
    public async Task Policy_JudgesABareCiphertextAsData_WhateverItsFirstByteIs()
    {
        await Create("policy");
        using var world = RSA.Create();
        world.ImportSubjectPublicKeyInfo((await Kms.ReadPublicKey("policy")).PublicKey, out _);
        byte[] looksLikeADataKey;
        do
        {
            looksLikeADataKey = world.Encrypt(Plaintext, RSAEncryptionPadding.OaepSHA256);
        }
        while (looksLikeADataKey[0] != (byte)CiphertextKind.DataKey);

        await Silo.Grains.GetGrain<IKeyPolicyGrain>("policy").SetPolicy(new(
            new("admin", "local", "request-1"), PolicyText.Of([new(PolicyEffect.Deny, ["keys:decrypt"], []) { When = new() { Kind = CiphertextKind.DataKey } }])));
        Assert.Equal(Plaintext, (await Kms.DecryptRaw("policy", 1, looksLikeADataKey)).Plaintext);
        await Refused("permission_denied", () => Kms.Decrypt([2, 0x40, 0, 0, 0, 1, 6, .. "policy"u8, .. looksLikeADataKey]));
    }

    [Fact]
    public async Task WhileAnOlderProgramMayRun_NoRsaKeyEncrypts()
    {
        await KeyDatabase.Scalar(Silo, "UPDATE okms_schema SET least_program_version = 4, feature_level = 5");
        await Restart();
        await Refused("conflict", () => Create("new"));
        Assert.Null(await Row<KeyRow>("new", RowNames.Key));
        await Silo.Create("signs", spec: "RSA_2048");
        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        await Create("new");
        await Kms.Encrypt("new", Plaintext);
    }

    /// <summary>Nobody can take a private key from a silo that only encrypts, and where it is in an HSM, that is not asked.</summary>
    [Fact]
    public async Task Encryption_OpensNoMaterial()
    {
        var folder = Directory.CreateTempSubdirectory("okms-closed-");
        var provider = new Closed();
        await using var silo = await TestSilo.Start(new() { DataDirectory = folder.FullName }, services: services =>
        {
            services.Remove(services.Single(s => s.ServiceType == typeof(IKeyProvider) && s.ImplementationType is not null));
            services.AddSingleton<IKeyProvider>(provider);
        });
        var kms = new KmsClient(silo.Grains, new() { Principal = "tests" });
        await kms.Key("rsa").Create(new() { Caller = Caller, Spec = "RSA_2048", Usage = KeyUsage.EncryptDecrypt });
        var encrypted = await kms.Encrypt("rsa", Plaintext);
        Assert.False(provider.WasAsked);
        await Refused("hsm_unavailable", () => kms.Decrypt(encrypted.Ciphertext));
        Assert.True(provider.WasAsked);
        await kms.Encrypt("rsa", Plaintext);
        await silo.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private static Caller Caller => TestSilo.Caller;

    private Task<KeyDescription> Create(string id) => Silo.Key(id).Create(new() { Caller = Caller, Spec = "RSA_2048", Usage = KeyUsage.EncryptDecrypt });

    private new IKeyEncryptionGrain Grain(string id) => Silo.Grains.GetGrain<IKeyEncryptionGrain>(id);

    private static async Task Refused<T>(string code, Func<ValueTask<T>> call) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(async () => await call())).Code);

    /// <summary>A provider that makes keys and opens none.</summary>
    private sealed class Closed : IKeyProvider
    {
        private readonly SoftwareKeyProvider _inner = new();

        public bool WasAsked { get; private set; }

        public KeyProtection Protection => _inner.Protection;

        public bool AnswersAtOnce => true;

        public int Parallelism => 1;

        public ValueTask<string?> WhyUnsupported(KeyAlgorithm algorithm, KeyUsage usage, CancellationToken cancellationToken) => default;

        public ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, CancellationToken cancellationToken) =>
            _inner.Generate(algorithm, usage, name, cancellationToken);

        public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept, byte[]? publicPart)
        {
            WasAsked = true;
            throw KmsError.HsmUnavailable.Exception();
        }

        public ValueTask Destroy(KeyVersionName name) => ValueTask.CompletedTask;
    }
}
