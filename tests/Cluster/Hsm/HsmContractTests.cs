using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Macs;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>
/// What every key in the HSM does, whichever its spec and usage, and what those that sign or authenticate do: verified by software that knows no
/// HSM. <see cref="HsmDecryptionTests"/> and <see cref="HsmAgreementTests"/> have the others.
/// </summary>
[Collection(SharedToken.Collection)]
public sealed class HsmContractTests(SharedToken shared, HsmContractTests.MadeKeys made) : IClassFixture<SharedToken>, IClassFixture<HsmContractTests.MadeKeys>
{
    private static readonly CKA[] _rights =
        [CKA.CKA_ENCRYPT, CKA.CKA_DECRYPT, CKA.CKA_SIGN, CKA.CKA_SIGN_RECOVER, CKA.CKA_VERIFY, CKA.CKA_WRAP, CKA.CKA_UNWRAP, CKA.CKA_DERIVE];

    private static readonly int[] _lengths = [0, 1, 31, 67, 1021, 65536];

    // Making the long keys of RSA takes seconds; those that decrypt are made as those that sign.
    public static TheoryData<string, KeyUsage> Kinds => Of(HsmMechanism.All.Where(m => m is not HsmRsaOaep || m.Spec == "RSA_2048"));

    public static TheoryData<string, KeyUsage> QuickKinds => Of(HsmMechanism.All.Where(m => m.Spec is not ("RSA_3072" or "RSA_4096")));

    public static TheoryData<string> Macs => new(HsmMechanism.All.OfType<HsmHmac>().Select(m => m.Spec));

    public static TheoryData<string, string> Schemes
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var mechanism in HsmMechanism.All.OfType<HsmSigning>())
            {
                foreach (var scheme in mechanism.Schemes) all.Add(mechanism.Spec, scheme.Name);
            }

            return all;
        }
    }

    [Fact]
    public void Token_IsFoundToHoldEverySpec()
    {
        Assert.Equal(
            [
                "AES_256_GCM", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ED25519",
                "ECC_NIST_P256:key_agreement", "ECC_NIST_P384:key_agreement", "ECC_NIST_P521:key_agreement", "X25519", "RSA_2048", "RSA_3072", "RSA_4096",
                "RSA_2048:encrypt_decrypt:RSAES_OAEP_SHA_1", "RSA_3072:encrypt_decrypt:RSAES_OAEP_SHA_1", "RSA_4096:encrypt_decrypt:RSAES_OAEP_SHA_1",
            ],
            shared.Proofs.Specs);

        // SoftHSM's OAEP has one hash.
        Assert.All(HsmMechanism.All, m => Assert.Equal(m is HsmRsaOaep ? ["RSAES_OAEP_SHA_256"] : [], m.Lacks(shared.Proofs.Find(m)!)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Key_WasNeverOutside_AndHasNoRightButItsOwn(string spec, KeyUsage usage)
    {
        var key = await made.Get(shared, spec, usage);
        var attributes = await shared.Token.Run(session => Read(session, key.Id), default);

        Assert.Equal(
            (true, true, true, true, true, true),
            (attributes[CKA.CKA_TOKEN], attributes[CKA.CKA_PRIVATE], attributes[CKA.CKA_SENSITIVE], attributes[CKA.CKA_ALWAYS_SENSITIVE],
                attributes[CKA.CKA_NEVER_EXTRACTABLE], attributes[CKA.CKA_LOCAL]));
        Assert.Equal(
            (false, false, false), (attributes[CKA.CKA_EXTRACTABLE], attributes[CKA.CKA_MODIFIABLE], attributes[CKA.CKA_COPYABLE]));
        CKA[] allowed = (spec, usage) switch
        {
            ("AES_256_GCM", _) => [CKA.CKA_ENCRYPT, CKA.CKA_DECRYPT],
            (_, KeyUsage.EncryptDecrypt) => [CKA.CKA_DECRYPT],
            (_, KeyUsage.KeyAgreement) => [CKA.CKA_DERIVE],
            _ => [CKA.CKA_SIGN],
        };
        Assert.Equal(allowed, _rights.Where(right => attributes[right] == true));

        static Dictionary<CKA, bool?> Read(HsmSession session, byte[] id)
        {
            // The public part of a pair did not stay.
            var key = Assert.Single(session.FindAll(id));
            CKA[] all =
            [
                .. _rights, CKA.CKA_TOKEN, CKA.CKA_PRIVATE, CKA.CKA_SENSITIVE, CKA.CKA_ALWAYS_SENSITIVE, CKA.CKA_NEVER_EXTRACTABLE, CKA.CKA_LOCAL,
                CKA.CKA_EXTRACTABLE, CKA.CKA_MODIFIABLE, CKA.CKA_COPYABLE,
            ];
            return all.ToDictionary(type => type, type => session.Attribute(key, type) is [var value] ? value != 0 : (bool?)null);
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task Signature_OfAnyLength_IsVerifiedBySoftware_AndByNoOtherKey(string spec, string algorithm)
    {
        var key = await made.Get(shared, spec);
        var other = await made.Get(shared, spec, number: spec.StartsWith("RSA_", StringComparison.Ordinal) ? 1 : 2);
        using var signs = key.Open(shared).Require<ISigns>();
        using var verifies = key.Public();
        using var otherVerifies = other.Public();
        Assert.False(signs.SignsAtOnce);
        Assert.True(signs.IsAvailable);
        foreach (var length in _lengths)
        {
            foreach (var encoding in Encodings(signs, algorithm))
            {
                var item = new SignItem(RandomNumberGenerator.GetBytes(length), Algorithm: algorithm, Encoding: encoding);
                var signature = await signs.Sign(SignatureInput.Of(signs.Schemes, item));
                Assert.True(Verifies(verifies, item, signature), $"length {length} {encoding}");
                Assert.False(Verifies(verifies, item with { Data = [.. item.Data, 0] }, signature));
                Assert.Equal(ReferenceEquals(key, other), Verifies(otherVerifies, item, signature));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task Digest_IsSignedAsItsMessage_WhereThereIsOne(string spec, string algorithm)
    {
        var key = await made.Get(shared, spec);
        using var signs = key.Open(shared).Require<ISigns>();
        using var verifies = key.Public();
        var message = RandomNumberGenerator.GetBytes(311);
        if (signs.Schemes.Single(s => s.Name == algorithm).Hash is not { } hash)
        {
            Assert.Equal(
                "invalid_parameter",
                Assert.Throws<KmsException>(() => SignatureInput.Of(signs.Schemes, new(new byte[64], IsDigest: true, Algorithm: algorithm))).Code);
            return;
        }

        var digest = new SignItem(CryptographicOperations.HashData(hash, message), IsDigest: true, Algorithm: algorithm);
        var signature = await signs.Sign(SignatureInput.Of(signs.Schemes, digest));
        Assert.True(Verifies(verifies, new(message, Algorithm: algorithm), signature));
        Assert.True(Verifies(verifies, digest, signature));
    }

    [Theory]
    [InlineData("RSASSA_PKCS1_V1_5_SHA_256")]
    [InlineData("RSASSA_PKCS1_V1_5_SHA_384")]
    [InlineData("RSASSA_PKCS1_V1_5_SHA_512")]
    public async Task Pkcs1Signature_IsByteForByteThatOfSoftware(string algorithm)
    {
        using var rsa = RSA.Create(2048);
        var name = new KeyVersionName("twin", Incarnation.New(), 1);
        var id = HsmKeyId.New(1, name.Incarnation, 1, DateOnly.FromDateTime(DateTime.UtcNow)).ToArray();
        SharedToken.Import(RsaTemplate(rsa.ExportParameters(includePrivateParameters: true)).Add(CKA.CKA_ID, id));
        using var signs = HsmRsa.Of2048.Open(shared.Token, shared.Proofs, id, KeyUsage.SignVerify, name, rsa.ExportSubjectPublicKeyInfo()).Require<ISigns>();
        using var software = new RsaAlgorithm(2048).Open(KeyUsage.SignVerify, "twin", 1, rsa.ExportPkcs8PrivateKey()).Require<ISigns>();
        var input = SignatureInput.Of(signs.Schemes, new("the same"u8.ToArray(), Algorithm: algorithm));
        Assert.Equal(await software.Sign(input), await signs.Sign(input));
    }

    [Theory]
    [MemberData(nameof(Macs))]
    public async Task Mac_IsThatOfSoftware_AtAnyLength(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        var length = ((MacAlgorithm)algorithm).MacLength;
        var material = RandomNumberGenerator.GetBytes(length);
        var service = Guid.NewGuid().ToString("N");
        var name = new KeyVersionName("twin", Incarnation.New(), 3);
        var id = HsmKeyId.New(HsmKeyId.ServiceOf(service), name.Incarnation, 3, DateOnly.FromDateTime(DateTime.UtcNow)).ToArray();
        SharedToken.Import(new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_SECRET_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)CKK.CKK_GENERIC_SECRET).Add(CKA.CKA_TOKEN, true)
            .Add(CKA.CKA_PRIVATE, true).Add(CKA.CKA_SIGN, true).Add(CKA.CKA_ID, id).Add(CKA.CKA_VALUE, material));
        using var macs = shared.Keys(service).Open(algorithm, KeyUsage.Mac, name, id).Require<IMacs>();
        using var software = algorithm.Open(KeyUsage.Mac, "twin", 3, material).Require<IMacs>();
        Assert.Equal((length, false), (macs.MacLength, macs.MacsAtOnce));
        foreach (var size in _lengths)
        {
            var message = RandomNumberGenerator.GetBytes(size);
            var mac = await macs.Mac(message);
            Assert.Equal(await software.Mac(message), mac);
            Assert.True(await macs.VerifyMac(message, mac));
        }
    }

    [Theory]
    [MemberData(nameof(Macs))]
    public async Task AnyByteOfAMac_Changed_IsNotValid(string spec)
    {
        var key = await made.Get(shared, spec);
        using var macs = key.Open(shared).Require<IMacs>();
        var mac = await macs.Mac("a message"u8.ToArray());
        for (var i = 0; i < mac.Length; i++)
        {
            mac[i] ^= 1;
            Assert.False(await macs.VerifyMac("a message"u8.ToArray(), mac));
            mac[i] ^= 1;
        }

        Assert.False(await macs.VerifyMac("a messagf"u8.ToArray(), mac));
        Assert.False(await macs.VerifyMac("a message"u8.ToArray(), mac.AsMemory(0, mac.Length - 1)));
        Assert.True(await macs.VerifyMac("a message"u8.ToArray(), mac));
    }

    [Fact]
    public async Task TooLargeAMessage_IsRefused_AndTheTokenStaysUp()
    {
        var tooLarge = new byte[shared.Silo.Services.GetService(typeof(HsmOptions)) is HsmOptions options ? (2 * options.MaxMessage) + 1 : 0];
        using var macs = (await made.Get(shared, "HMAC_256")).Open(shared).Require<IMacs>();
        Assert.Equal("payload_too_large", (await Assert.ThrowsAsync<KmsException>(async () => await macs.Mac(tooLarge))).Code);
        using var signs = (await made.Get(shared, "ED25519")).Open(shared).Require<ISigns>();
        Assert.Equal(
            "payload_too_large",
            (await Assert.ThrowsAsync<KmsException>(async () => await signs.Sign(SignatureInput.Of(signs.Schemes, new(tooLarge))))).Code);
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task Ed25519ph_IsNotOffered()
    {
        using var signs = (await made.Get(shared, "ED25519")).Open(shared).Require<ISigns>();
        var refusal = Assert.Throws<KmsException>(() => SignatureInput.Of(signs.Schemes, new("m"u8.ToArray(), Algorithm: "ED25519_PH")));
        Assert.Equal(("unsupported_algorithm", "The algorithms of this key are: ED25519."), (refusal.Code, refusal.Message));
        Assert.Equal(["ED25519"], shared.Keys("any").AlgorithmNames(new Ed25519Algorithm(), KeyUsage.SignVerify));
    }

    [Theory]
    [InlineData("ECC_SECG_P256K1", KeyUsage.SignVerify)]
    [InlineData("ML_KEM_768", KeyUsage.Encapsulate)]
    [InlineData("ML_DSA_65", KeyUsage.SignVerify)]
    [InlineData("HKDF_256", KeyUsage.Derive)]
    public async Task WhatNoTokenHolds_IsNotSupported(string spec, KeyUsage usage)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        Assert.NotNull(await shared.Keys("any").WhyUnsupported(algorithm, usage));
    }

    [Theory]
    [MemberData(nameof(QuickKinds))]
    public async Task AllObjectsOfAKey_AreFoundAndDestroyed_ByItsName(string spec, KeyUsage usage)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        var service = Guid.NewGuid().ToString("N");
        var keys = shared.Keys(service);
        var name = new KeyVersionName("gone", Incarnation.New(), 1);
        using var one = await keys.Generate(algorithm, usage, name);
        using var two = await keys.Generate(algorithm, usage, name);
        var inventory = new HsmInventory(shared.Token, service, TimeProvider.System);
        Assert.Equal(2, (await inventory.List(default)).Count);

        await keys.Destroy(name);
        await keys.Destroy(name);
        Assert.Empty(await inventory.List(default));
        Assert.Empty(await shared.Token.Run(session => session.FindAll(one.Kept.Span), default));
    }

    [Fact]
    public async Task AbandonedKey_IsDestroyed()
    {
        var service = Guid.NewGuid().ToString("N");
        Assert.True(KeyAlgorithms.TryFind("ECC_NIST_P256", out var algorithm));
        var abandoned = await shared.Keys(service).Generate(algorithm, new("spare", Incarnation.New(), 2));
        var inventory = new HsmInventory(shared.Token, service, TimeProvider.System);
        Assert.Single(await inventory.List(default));
        abandoned.Abandon();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await inventory.List(patience.Token)).Count > 0) await Task.Yield();
    }

    private static TheoryData<string, KeyUsage> Of(IEnumerable<HsmMechanism> mechanisms)
    {
        var all = new TheoryData<string, KeyUsage>();
        foreach (var mechanism in mechanisms) all.Add(mechanism.Spec, mechanism.Usages[0]);
        return all;
    }

    private static bool Verifies(IVerifies verifies, SignItem item, byte[] signature) =>
        verifies.Verify(SignatureInput.Of(verifies.Schemes, item), signature);

    private static SignatureEncoding?[] Encodings(ISigns signs, string algorithm) =>
        signs.Schemes.Single(s => s.Name == algorithm).HasEncodings ? [null, SignatureEncoding.Der, SignatureEncoding.P1363] : [null];

    /// <summary>A key of software, as the token takes it.</summary>
    internal static Pkcs11Template RsaTemplate(RSAParameters key, CKA right = CKA.CKA_SIGN) => new Pkcs11Template()
        .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_PRIVATE_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)CKK.CKK_RSA).Add(CKA.CKA_TOKEN, true)
        .Add(CKA.CKA_PRIVATE, true).Add(right, true).Add(CKA.CKA_MODULUS, key.Modulus).Add(CKA.CKA_PUBLIC_EXPONENT, key.Exponent)
        .Add(CKA.CKA_PRIVATE_EXPONENT, key.D).Add(CKA.CKA_PRIME_1, key.P).Add(CKA.CKA_PRIME_2, key.Q).Add(CKA.CKA_EXPONENT_1, key.DP)
        .Add(CKA.CKA_EXPONENT_2, key.DQ).Add(CKA.CKA_COEFFICIENT, key.InverseQ);

    /// <summary>Keys on the token, made once: those of RSA take seconds.</summary>
    public sealed class MadeKeys
    {
        private readonly string _service = Guid.NewGuid().ToString("N");
        private readonly Dictionary<(string, KeyUsage, int), MadeKey> _made = [];

        internal Task<MadeKey> Get(SharedToken shared, string spec, int number = 1)
        {
            Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
            return Get(shared, spec, algorithm.Usages[0], number);
        }

        internal async Task<MadeKey> Get(SharedToken shared, string spec, KeyUsage usage, int number = 1)
        {
            if (!_made.TryGetValue((spec, usage, number), out var made))
            {
                Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
                var name = new KeyVersionName($"contract.{spec}", Incarnation.New(), number);
                using var generated = await shared.Keys(_service).Generate(algorithm, usage, name);
                _made[(spec, usage, number)] = made = new(_service, algorithm, usage, name, generated.Kept.Span.ToArray(), generated.PublicPart);
            }

            return made;
        }
    }

    internal sealed record MadeKey(string Service, KeyAlgorithm Algorithm, KeyUsage Usage, KeyVersionName Name, byte[] Id, byte[]? PublicPart)
    {
        public IKeyVersion Open(SharedToken shared) => shared.Keys(Service).Open(Algorithm, Usage, Name, Id, PublicPart);

        public IVerifies Public() => Algorithm.OpenPublic(KeyUsage.SignVerify, Name.Version, PublicPart)!.Require<IVerifies>();
    }
}
