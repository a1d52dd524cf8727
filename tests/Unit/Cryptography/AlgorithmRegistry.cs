using System.Collections.Concurrent;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Cryptography.Macs;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// What each algorithm must be for ever, written down a second time: a new algorithm is one row here, and every test of the
/// contract then runs over it. <see cref="KeyAlgorithmsTests"/> holds the two tables together.
/// </summary>
internal static class AlgorithmRegistry
{
    internal record Row(string Spec, KeyUsage[] Usages, UsageLimit Limit, bool HasPublicPart);

    internal sealed record AeadRow(string Spec, byte Id, int MaterialLength, int NonceLength, UsageLimit Limit)
        : Row(Spec, [KeyUsage.EncryptDecrypt], Limit, HasPublicPart: false);

    internal sealed record SignatureRow(string Spec, string[] Algorithms, params string[] Jws)
        : Row(Spec, UsagesOf(Spec, Jws), UsageLimit.None, HasPublicPart: true)
    {
        private static KeyUsage[] UsagesOf(string spec, string[] jws) =>
        [
            KeyUsage.SignVerify,
            .. spec.StartsWith("ECC_NIST", StringComparison.Ordinal) ? [KeyUsage.KeyAgreement] : Array.Empty<KeyUsage>(),
            .. spec.StartsWith("RSA", StringComparison.Ordinal) ? [KeyUsage.EncryptDecrypt] : Array.Empty<KeyUsage>(),
            .. jws is [] ? Array.Empty<KeyUsage>() : [KeyUsage.Jws],
        ];

        /// <summary>Whether a signature takes so long that tests make few.</summary>
        internal bool SignsSlowly { get; init; }
    }

    internal sealed record MacRow(string Spec, int MacLength) : Row(Spec, [KeyUsage.Mac], UsageLimit.None, HasPublicPart: false);

    internal sealed record KemRow(string Spec, int MaterialLength, int PublicPartLength, int CiphertextLength)
        : Row(Spec, [KeyUsage.Encapsulate], UsageLimit.None, HasPublicPart: true);

    private static readonly UsageLimit _random96 = new(2147483648, 4294967296);

    internal static readonly AeadRow[] Aeads =
    [
        new("AES_256_GCM", 1, 32, 12, _random96),
        new("AES_128_GCM", 2, 16, 12, _random96),
        new("XAES_256_GCM", 3, 32, 24, UsageLimit.None),
        new("CHACHA20_POLY1305", 4, 32, 12, _random96),
        new("AES_256_GCM_SIV", 5, 32, 12, new(140737488355328, 281474976710656)),
        new("XCHACHA20_POLY1305", 6, 32, 24, UsageLimit.None),
    ];

    private static readonly string[] _rsa =
    [
        "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
        "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
    ];

    internal static readonly SignatureRow[] Signatures =
    [
        new("ECC_NIST_P256", ["ECDSA_SHA_256"], "ES256"),
        new("ECC_NIST_P384", ["ECDSA_SHA_384"], "ES384"),
        new("ECC_NIST_P521", ["ECDSA_SHA_512"], "ES512"),
        new("ECC_SECG_P256K1", ["ECDSA_SHA_256"], "ES256K"),
        new("RSA_2048", _rsa, "PS256", "RS256"),
        new("RSA_3072", _rsa, "PS256", "RS256"),
        new("RSA_4096", _rsa, "PS256", "RS256"),
        new("ED25519", ["ED25519", "ED25519_PH"], "EdDSA"),
        new("ML_DSA_44", ["ML_DSA_44"]),
        new("ML_DSA_65", ["ML_DSA_65"]),
        new("ML_DSA_87", ["ML_DSA_87"]),
        new("SLH_DSA_SHA2_128S", ["SLH_DSA_SHA2_128S"]) { SignsSlowly = true },
        new("SLH_DSA_SHA2_192S", ["SLH_DSA_SHA2_192S"]) { SignsSlowly = true },
        new("SLH_DSA_SHA2_256S", ["SLH_DSA_SHA2_256S"]) { SignsSlowly = true },
    ];

    /// <summary>The ways to encrypt with a public key: their names and bytes, and the longest plaintexts (RFC 8017, 7.1.1).</summary>
    internal static readonly (string Spec, string Algorithm, byte Id, int MaxPlaintext)[] PublicKeyEncryptions =
    [
        ("RSA_2048", "RSAES_OAEP_SHA_256", 0x40, 190), ("RSA_2048", "RSAES_OAEP_SHA_1", 0x41, 214),
        ("RSA_3072", "RSAES_OAEP_SHA_256", 0x40, 318), ("RSA_3072", "RSAES_OAEP_SHA_1", 0x41, 342),
        ("RSA_4096", "RSAES_OAEP_SHA_256", 0x40, 446), ("RSA_4096", "RSAES_OAEP_SHA_1", 0x41, 470),
    ];

    internal static readonly MacRow[] Macs = [new("HMAC_224", 28), new("HMAC_256", 32), new("HMAC_384", 48), new("HMAC_512", 64)];

    internal static readonly Row[] Derivations =
    [
        new("HKDF_256", [KeyUsage.Derive], UsageLimit.None, HasPublicPart: false),
        new("X25519", [KeyUsage.KeyAgreement], UsageLimit.None, HasPublicPart: true),
    ];

    internal static readonly KemRow[] Kems =
    [
        new("ML_KEM_512", 86, 822, 768),
        new("ML_KEM_768", 86, 1206, 1088),
        new("ML_KEM_1024", 86, 1590, 1568),
        new("X_WING", 54, 1240, 1120),
    ];

    internal static readonly Row[] All = [.. Aeads, .. Signatures, .. Macs, .. Derivations, .. Kems];

    /// <summary>All specs, for a theory.</summary>
    public static TheoryData<string> Specs => new(All.Select(r => r.Spec));

    /// <summary>The specs that encrypt, for a theory.</summary>
    public static TheoryData<string> AeadSpecs => new(Aeads.Select(r => r.Spec));

    /// <summary>Every way to sign: a spec and an algorithm of it.</summary>
    public static TheoryData<string, string> Schemes
    {
        get
        {
            var schemes = new TheoryData<string, string>();
            foreach (var row in Signatures)
            {
                foreach (var algorithm in row.Algorithms) schemes.Add(row.Spec, algorithm);
            }

            return schemes;
        }
    }

    private static readonly ConcurrentDictionary<(string Spec, int Number), Lazy<Task<byte[]>>> _materials = new();

    /// <summary>Material of a spec, the same for a number in the whole run: some takes seconds to make.</summary>
    internal static Task<byte[]> Material(string spec, int number) => _materials.GetOrAdd((spec, number), _ => new(async () =>
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        using var material = await algorithm.NewMaterial();
        return material.Span.ToArray();
    })).Value;

    /// <summary>The specs that make MACs, for a theory.</summary>
    public static TheoryData<string> MacSpecs => new(Macs.Select(r => r.Spec));

    /// <summary>The specs that agree, for a theory.</summary>
    public static TheoryData<string> AgreementSpecs => new(All.Where(r => r.Usages.Contains(KeyUsage.KeyAgreement)).Select(r => r.Spec));

    /// <summary>The specs that encapsulate, for a theory.</summary>
    public static TheoryData<string> KemSpecs => new(Kems.Select(r => r.Spec));

    internal static Row Of(string spec) => All.Single(r => r.Spec == spec);

    internal static AeadAlgorithm Aead(string spec) => KeyAlgorithms.Aeads.Single(a => a.Spec == spec);

    internal static MacAlgorithm Mac(string spec) => KeyAlgorithms.Macs.Single(a => a.Spec == spec);

    /// <summary>Opens a version of material that counts up.</summary>
    internal static IEncryptsAtOnce Open(this AeadAlgorithm algorithm, string id, int version, int start = 0) =>
        algorithm.Open(KeyUsage.EncryptDecrypt, id, version, Counting(algorithm.MaterialLength, start)).Require<IEncryptsAtOnce>();

    /// <summary>Bytes that count up from a start, so that a misplaced byte is seen.</summary>
    internal static byte[] Counting(int length, int start = 0)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)(start + i);
        }

        return bytes;
    }
}
