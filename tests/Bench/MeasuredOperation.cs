using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Bench;

/// <summary>One operation of one spec, as a call of a key grain and as the same call of the library.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="OpenSsl">The same in <c>openssl speed</c>; null where it has none.</param>
/// <param name="Prepare">Makes a key and what is called.</param>
internal sealed record MeasuredOperation(string Name, OpenSslOperation? OpenSsl, Func<BenchSilo, Task<MeasuredCalls>> Prepare)
{
    private static readonly byte[] _message = RandomNumberGenerator.GetBytes(1024);

    // What a key encrypts with RSA: a key of AES.
    private static readonly byte[] _short = RandomNumberGenerator.GetBytes(32);

    /// <summary>Every operation, those that a target is set for first.</summary>
    public static IReadOnlyList<MeasuredOperation> All { get; } =
    [
        Signs("ECC_NIST_P256", "ecdsap256"), Signs("ED25519", "ed25519"), Signs("RSA_2048", "rsa2048"),
        Signs("RSA_3072", "rsa3072"), Signs("RSA_4096", "rsa4096"), Signs("RSA_2048", "rsa2048", "RSASSA_PKCS1_V1_5_SHA_256"),
        Signs("ECC_NIST_P384", "ecdsap384"), Signs("ECC_NIST_P521", "ecdsap521"), Signs("ECC_SECG_P256K1", null),
        Signs("ML_DSA_44", null), Signs("ML_DSA_65", null), Signs("ML_DSA_87", null), Signs("SLH_DSA_SHA2_128S", null), Signs("SLH_DSA_SHA2_192S", null), Signs("SLH_DSA_SHA2_256S", null),
        Verifies("ECC_NIST_P256", "ecdsap256"), Verifies("ED25519", "ed25519"), Verifies("RSA_2048", "rsa2048"), Verifies("RSA_3072", "rsa3072"),
        Verifies("RSA_4096", "rsa4096"), Verifies("ECC_NIST_P384", "ecdsap384"), Verifies("ECC_NIST_P521", "ecdsap521"), Verifies("ECC_SECG_P256K1", null),
        Verifies("ML_DSA_44", null), Verifies("ML_DSA_65", null), Verifies("ML_DSA_87", null), Verifies("SLH_DSA_SHA2_128S", null),
        Macs("HMAC_224", "sha224"), Macs("HMAC_256", "sha256"), Macs("HMAC_384", "sha384"), Macs("HMAC_512", "sha512"),
        Derives("HKDF_256"),
        Agrees("ECC_NIST_P256", "ecdhp256"), Agrees("ECC_NIST_P384", "ecdhp384"), Agrees("ECC_NIST_P521", "ecdhp521"), Agrees("X25519", "ecdhx25519"),
        EncryptsByPublicKey("RSA_2048", "rsa2048"), EncryptsByPublicKey("RSA_3072", "rsa3072"), EncryptsByPublicKey("RSA_4096", "rsa4096"),
        DecryptsByPrivateKey("RSA_2048", "rsa2048"), DecryptsByPrivateKey("RSA_3072", "rsa3072"), DecryptsByPrivateKey("RSA_4096", "rsa4096"),
        Encrypts("AES_256_GCM", "aes-256-gcm"), Encrypts("AES_128_GCM", "aes-128-gcm"), Encrypts("XAES_256_GCM", null), Encrypts("CHACHA20_POLY1305", "chacha20-poly1305"),
        Encrypts("AES_256_GCM_SIV", null), Encrypts("XCHACHA20_POLY1305", null),
        Encapsulates("ML_KEM_512"), Encapsulates("ML_KEM_768"), Encapsulates("ML_KEM_1024"), Encapsulates("X_WING"),
        Decapsulates("ML_KEM_512"), Decapsulates("ML_KEM_768"), Decapsulates("ML_KEM_1024"), Decapsulates("X_WING"),
        SignsJws("ECC_NIST_P256", "ecdsap256"), SignsJws("ED25519", "ed25519"), SignsJws("RSA_2048", "rsa2048"),
    ];

    private static MeasuredOperation Signs(string spec, string? openSsl, string? algorithm = null) => new(
        $"sign, {algorithm ?? spec}", openSsl is null ? null : new(openSsl), async silo =>
        {
            var (id, version) = await Open<ISigns>(silo, spec, KeyUsage.SignVerify);
            var item = new SignItem(_message, Algorithm: algorithm);
            var (grain, input) = (silo.Grains.GetGrain<IKeySignaturesGrain>(id), SignatureInput.Of(version.Schemes, item));
            return new(
                async () => await grain.Sign(new(BenchSilo.Caller, item)),
                async () => await version.Sign(input),
                version);
        });

    private static MeasuredOperation Verifies(string spec, string? openSsl) => new(
        $"verify, {spec}", openSsl is null ? null : new(openSsl, Column: 1), async silo =>
        {
            var id = await Create(silo, spec, KeyUsage.SignVerify);
            var grain = silo.Grains.GetGrain<IKeySignaturesGrain>(id);
            var item = new SignItem(_message);
            var signature = (await grain.Sign(new(BenchSilo.Caller, item) { Within = TimeSpan.FromMinutes(1) })).Value;
            var publicKey = (await silo.Grains.GetGrain<IPublicKeyGrain>(id).Read(new(BenchSilo.Caller))).PublicKey;
            var version = Algorithm(spec).OpenPublic(KeyUsage.SignVerify, 1, publicKey)!.Require<IVerifies>();
            var input = SignatureInput.Of(version.Schemes, item);
            return new(
                async () => await Expect((await grain.Verify(new(BenchSilo.Caller, new(item, signature)))).IsValid),
                () => Expect(version.Verify(input, signature)),
                version);
        });

    private static MeasuredOperation Macs(string spec, string hash) => new(
        $"mac, {spec}", new($"-hmac {hash}", Bytes: 1024), async silo =>
        {
            var (id, version) = await Open<IMacs>(silo, spec, KeyUsage.Mac);
            var grain = silo.Grains.GetGrain<IKeyMacsGrain>(id);
            return new(
                async () => await grain.Generate(new(BenchSilo.Caller, new(_message))),
                async () => await version.Mac(_message),
                version);
        });

    private static MeasuredOperation Derives(string spec) => new(
        $"derive, {spec}", null, async silo =>
        {
            var (id, version) = await Open<IDerives>(silo, spec, KeyUsage.Derive);
            var grain = silo.Grains.GetGrain<IKeyDerivationGrain>(id);
            return new(
                async () => await grain.Derive(new() { Caller = BenchSilo.Caller, Context = _short }),
                () =>
                {
                    version.Derive(_short, [], new byte[32]);
                    return Task.CompletedTask;
                },
                version);
        });

    private static MeasuredOperation Agrees(string spec, string openSsl) => new(
        $"agree, {spec}", new(openSsl), async silo =>
        {
            var (id, version) = await Open<IAgrees>(silo, spec, KeyUsage.KeyAgreement);
            using var other = await Algorithm(spec).NewMaterial();
            var (grain, theirs) = (silo.Grains.GetGrain<IKeyDerivationGrain>(id), Algorithm(spec).PublicPart(other.Span)!);
            return new(
                async () => await grain.Derive(new() { Caller = BenchSilo.Caller, PublicKey = theirs, Raw = true }),
                async () => (await version.Agree(theirs))!.Dispose(),
                version);
        });

    private static MeasuredOperation EncryptsByPublicKey(string spec, string openSsl) => new(
        $"encrypt, {spec}", new(openSsl, Column: 1), async silo =>
        {
            var id = await Create(silo, spec, KeyUsage.EncryptDecrypt);
            var grain = silo.Grains.GetGrain<IKeyGrain>(id);
            var publicKey = (await silo.Grains.GetGrain<IPublicKeyGrain>(id).Read(new(BenchSilo.Caller))).PublicKey;
            var version = Algorithm(spec).OpenPublic(KeyUsage.EncryptDecrypt, 1, publicKey)!.Require<IEncryptsByPublicKey>();
            return new(
                async () => await grain.Encrypt(new(BenchSilo.Caller, _short)),
                () => Expect(version.Encrypt(version.Schemes[0], _short).Length > 0),
                version);
        });

    private static MeasuredOperation DecryptsByPrivateKey(string spec, string openSsl) => new(
        $"decrypt, {spec}", new(openSsl), async silo =>
        {
            var (id, version) = await Open<IDecryptsByPrivateKey>(silo, spec, KeyUsage.EncryptDecrypt);
            var grain = silo.Grains.GetGrain<IKeyGrain>(id);
            var theirs = (await grain.Encrypt(new(BenchSilo.Caller, _short))).Ciphertext;
            using var pair = await Algorithm(spec).NewMaterial();
            using var encrypts = Algorithm(spec).OpenPublic(KeyUsage.EncryptDecrypt, 1, Algorithm(spec).PublicPart(pair.Span)!)!.Require<IEncryptsByPublicKey>();
            version.Dispose();
            version = Algorithm(spec).Open(KeyUsage.EncryptDecrypt, id, 1, pair.Span).Require<IDecryptsByPrivateKey>();
            var ours = encrypts.Encrypt(encrypts.Schemes[0], _short);
            return new(
                async () => await grain.Decrypt(new(BenchSilo.Caller, theirs)),
                async () => await Expect(await version.Decrypt(version.Schemes[0], ours) is not null),
                version);
        });

    private static MeasuredOperation Encrypts(string spec, string? openSsl) => new(
        $"encrypt, {spec}", openSsl is null ? null : new("-aead -evp " + openSsl, Bytes: 1024), async silo =>
        {
            var (id, version) = await Open<IEncryptsAtOnce>(silo, spec, KeyUsage.EncryptDecrypt);
            var grain = silo.Grains.GetGrain<IKeyGrain>(id);
            return new(
                async () => await grain.Encrypt(new(BenchSilo.Caller, _message)),
                () => Expect(version.EncryptToArray(CiphertextKind.Data, _message, []).Length > 0),
                version);
        });

    private static MeasuredOperation Encapsulates(string spec) => new(
        $"encapsulate, {spec}", null, async silo =>
        {
            var id = await Create(silo, spec, KeyUsage.Encapsulate);
            var grain = silo.Grains.GetGrain<IKeyEncapsulationGrain>(id);
            var publicKey = (await silo.Grains.GetGrain<IPublicKeyGrain>(id).Read(new(BenchSilo.Caller))).PublicKey;
            var version = Algorithm(spec).OpenPublic(KeyUsage.Encapsulate, 1, publicKey)!.Require<IEncapsulates>();
            return new(
                async () => await grain.Encapsulate(new(BenchSilo.Caller)),
                () =>
                {
                    version.Encapsulate(new byte[version.CiphertextLength]).Dispose();
                    return Task.CompletedTask;
                },
                version);
        });

    private static MeasuredOperation Decapsulates(string spec) => new(
        $"decapsulate, {spec}", null, async silo =>
        {
            var id = await Create(silo, spec, KeyUsage.Encapsulate);
            var grain = silo.Grains.GetGrain<IKeyEncapsulationGrain>(id);
            var theirs = (await grain.Encapsulate(new(BenchSilo.Caller))).Ciphertext;
            using var pair = await Algorithm(spec).NewMaterial();
            using var encapsulates = Algorithm(spec).OpenPublic(KeyUsage.Encapsulate, 1, Algorithm(spec).PublicPart(pair.Span)!)!.Require<IEncapsulates>();
            var ours = new byte[encapsulates.CiphertextLength];
            encapsulates.Encapsulate(ours).Dispose();
            var version = Algorithm(spec).Open(KeyUsage.Encapsulate, id, 1, pair.Span).Require<IDecapsulates>();
            return new(
                async () => await grain.Decapsulate(new(BenchSilo.Caller, theirs)),
                () =>
                {
                    version.Decapsulate(ours)!.Dispose();
                    return Task.CompletedTask;
                },
                version);
        });

    // Beside the signature alone.
    private static MeasuredOperation SignsJws(string spec, string openSsl) => new(
        $"jws, {spec}", new(openSsl), async silo =>
        {
            var id = await Create(silo, spec, KeyUsage.Jws);
            var (_, version) = await Open<ISigns>(silo, spec, KeyUsage.SignVerify);
            var (grain, input) = (silo.Grains.GetGrain<IKeyJwsGrain>(id), SignatureInput.Of(version.Schemes, new SignItem(_message)));
            return new(
                async () => await grain.Sign(new(BenchSilo.Caller, _message)),
                async () => await version.Sign(input),
                version);
        });

    /// <summary>Creates a key, and opens another one of the same kind without a grain.</summary>
    private static async Task<(string Id, TVersion Version)> Open<TVersion>(BenchSilo silo, string spec, KeyUsage usage)
        where TVersion : class, IKeyVersion
    {
        var id = await Create(silo, spec, usage);
        using var material = await Algorithm(spec).NewMaterial();
        return (id, Algorithm(spec).Open(usage, id, 1, material.Span).Require<TVersion>());
    }

    private static async Task<string> Create(BenchSilo silo, string spec, KeyUsage usage)
    {
        var id = "bench." + Guid.NewGuid().ToString("N");
        await silo.Grains.GetGrain<IKeyGrain>(id).Create(
            new() { Caller = BenchSilo.Caller, Spec = spec, Usage = usage, Within = TimeSpan.FromMinutes(1) });
        return id;
    }

    private static KeyAlgorithm Algorithm(string spec) =>
        KeyAlgorithms.TryFind(spec, out var algorithm) ? algorithm : throw new InvalidOperationException(spec);

    private static Task Expect(bool isSo) => isSo ? Task.CompletedTask : throw new InvalidOperationException("A call failed.");
}

/// <summary>The two calls.</summary>
/// <param name="Grain">Through a key grain.</param>
/// <param name="Library">The library's own.</param>
/// <param name="Opened">What the second one needs.</param>
internal sealed record MeasuredCalls(Func<Task> Grain, Func<Task> Library, IDisposable Opened) : IDisposable
{
    public void Dispose() => Opened.Dispose();
}
