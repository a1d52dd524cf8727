namespace OrleansKms;

/// <summary>
/// One key spec as callers know it. This table is what the OpenAPI document and the documents list; a test holds it, and them, to the
/// algorithms that silos have.
/// </summary>
/// <param name="Name">The spec.</param>
/// <param name="Usages">What its keys may be used for, the default first.</param>
/// <param name="Algorithms">The algorithms that operations can name, the default first; empty where there is one way to use a key.</param>
internal sealed record KeySpec(string Name, IReadOnlyList<KeyUsage> Usages, IReadOnlyList<string> Algorithms)
{
    private static readonly string[] _rsa =
    [
        "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
        "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
        "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1",
        "PS256", "RS256",
    ];

    private static readonly KeyUsage[] _rsaUsages = [KeyUsage.SignVerify, KeyUsage.EncryptDecrypt, KeyUsage.Jws];
    private static readonly KeyUsage[] _curveUsages = [KeyUsage.SignVerify, KeyUsage.KeyAgreement, KeyUsage.Jws];

    /// <summary>Every spec, the default first.</summary>
    public static IReadOnlyList<KeySpec> All { get; } =
    [
        Encrypts("AES_256_GCM"), Encrypts("AES_128_GCM"), Encrypts("XAES_256_GCM"), Encrypts("CHACHA20_POLY1305"),
        Encrypts("AES_256_GCM_SIV"), Encrypts("XCHACHA20_POLY1305"),
        new("ECC_NIST_P256", _curveUsages, ["ECDSA_SHA_256", "ES256"]), new("ECC_NIST_P384", _curveUsages, ["ECDSA_SHA_384", "ES384"]),
        new("ECC_NIST_P521", _curveUsages, ["ECDSA_SHA_512", "ES512"]),
        SignsTokensToo("ECC_SECG_P256K1", "ECDSA_SHA_256", "ES256K"),
        new("RSA_2048", _rsaUsages, _rsa), new("RSA_3072", _rsaUsages, _rsa), new("RSA_4096", _rsaUsages, _rsa),
        SignsTokensToo("ED25519", "ED25519", "ED25519_PH", "EdDSA"),
        Signs("ML_DSA_44", "ML_DSA_44"), Signs("ML_DSA_65", "ML_DSA_65"), Signs("ML_DSA_87", "ML_DSA_87"),
        Signs("SLH_DSA_SHA2_128S", "SLH_DSA_SHA2_128S"), Signs("SLH_DSA_SHA2_192S", "SLH_DSA_SHA2_192S"),
        Signs("SLH_DSA_SHA2_256S", "SLH_DSA_SHA2_256S"),
        Of("HMAC_224", KeyUsage.Mac), Of("HMAC_256", KeyUsage.Mac), Of("HMAC_384", KeyUsage.Mac), Of("HMAC_512", KeyUsage.Mac),
        Of("HKDF_256", KeyUsage.Derive), Of("X25519", KeyUsage.KeyAgreement),
        Of("ML_KEM_512", KeyUsage.Encapsulate), Of("ML_KEM_768", KeyUsage.Encapsulate), Of("ML_KEM_1024", KeyUsage.Encapsulate),
        Of("X_WING", KeyUsage.Encapsulate),
    ];

    private static KeySpec Of(string name, KeyUsage usage) => new(name, [usage], []);

    private static KeySpec Encrypts(string name) => Of(name, KeyUsage.EncryptDecrypt);

    private static KeySpec SignsTokensToo(string name, params string[] algorithms) => new(name, [KeyUsage.SignVerify, KeyUsage.Jws], algorithms);

    private static KeySpec Signs(string name, params string[] algorithms) => new(name, [KeyUsage.SignVerify], algorithms);
}
