using System.Numerics;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Wycheproof's signatures, through the public part that a key's row keeps.</summary>
public sealed class SignatureWycheproofTests
{
    private static readonly BigInteger _order = new(
        Convert.FromHexString("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141"), isUnsigned: true, isBigEndian: true);

    [Theory]
    [InlineData("ecdsa_secp256r1_sha256_test.json", "ECC_NIST_P256", "ECDSA_SHA_256", SignatureEncoding.Der)]
    [InlineData("ecdsa_secp256r1_sha256_p1363_test.json", "ECC_NIST_P256", "ECDSA_SHA_256", SignatureEncoding.P1363)]
    [InlineData("ecdsa_secp384r1_sha384_test.json", "ECC_NIST_P384", "ECDSA_SHA_384", SignatureEncoding.Der)]
    [InlineData("ecdsa_secp384r1_sha384_p1363_test.json", "ECC_NIST_P384", "ECDSA_SHA_384", SignatureEncoding.P1363)]
    [InlineData("ecdsa_secp521r1_sha512_test.json", "ECC_NIST_P521", "ECDSA_SHA_512", SignatureEncoding.Der)]
    [InlineData("ecdsa_secp521r1_sha512_p1363_test.json", "ECC_NIST_P521", "ECDSA_SHA_512", SignatureEncoding.P1363)]
    [InlineData("ecdsa_secp256k1_sha256_bitcoin_test.json", "ECC_SECG_P256K1", "ECDSA_SHA_256", SignatureEncoding.Der)]
    public void Ecdsa_EveryVector_IsJudgedAsItSays(string file, string spec, string algorithm, SignatureEncoding encoding) =>
        JudgesAll(file, spec, algorithm, encoding);

    /// <summary>The file takes both values of s, and this service only the lower one.</summary>
    [Fact]
    public void Secp256k1_P1363_IsJudgedAsItSays_ButForTheHigherS()
    {
        using var vectors = new WycheproofFile("ecdsa_secp256k1_sha256_p1363_test.json");
        var high = 0;
        foreach (var test in vectors.Cases())
        {
            var isHigh = test.Bytes("sig") is { Length: 64 } signature && new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true) * 2 > _order;
            Assert.True(Verify(test, "ECC_SECG_P256K1", "ECDSA_SHA_256", SignatureEncoding.P1363) == (test.IsValid!.Value && !isHigh), test.ToString());
            high += isHigh && test.IsValid.Value ? 1 : 0;
        }

        Assert.True(high > 10, "no signature has the higher s");
    }

    [Theory]
    [InlineData("ed25519_test.json", "ED25519", "ED25519")]
    [InlineData("rsa_pss_2048_sha256_mgf1_32_test.json", "RSA_2048", "RSASSA_PSS_SHA_256")]
    [InlineData("rsa_pss_2048_sha384_mgf1_48_test.json", "RSA_2048", "RSASSA_PSS_SHA_384")]
    [InlineData("rsa_pss_3072_sha256_mgf1_32_test.json", "RSA_3072", "RSASSA_PSS_SHA_256")]
    [InlineData("rsa_pss_4096_sha512_mgf1_64_test.json", "RSA_4096", "RSASSA_PSS_SHA_512")]
    [InlineData("rsa_signature_2048_sha256_test.json", "RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256")]
    [InlineData("rsa_signature_2048_sha384_test.json", "RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384")]
    [InlineData("rsa_signature_2048_sha512_test.json", "RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512")]
    [InlineData("rsa_signature_3072_sha256_test.json", "RSA_3072", "RSASSA_PKCS1_V1_5_SHA_256")]
    [InlineData("rsa_signature_4096_sha512_test.json", "RSA_4096", "RSASSA_PKCS1_V1_5_SHA_512")]
    public void EveryVector_IsJudgedAsItSays(string file, string spec, string algorithm) => JudgesAll(file, spec, algorithm, null);

    /// <summary>The implementations of ML_DSA_44 that there are, for a theory.</summary>
    public static TheoryData<string> MlDsaImplementations =>
        new(Implementations.Signatures.Where(row => (string)row[0] == "ML_DSA_44").Select(row => (string)row[1]));

    [Theory]
    [MemberData(nameof(MlDsaImplementations))]
    public void MlDsa_EveryVector_IsJudgedAsItSays(string implementation)
    {
        using var vectors = new WycheproofFile("mldsa_44_verify_test.json");
        var algorithm = Implementations.Signature("ML_DSA_44", implementation);
        foreach (var test in vectors.Cases()) Assert.True(MlDsaIs(algorithm, test) == test.IsValid, test.ToString());
    }

    /// <summary>Signatures are hedged, so that theirs are verified and ours are: what the seed makes of the key is compared byte by byte.</summary>
    [Theory]
    [MemberData(nameof(MlDsaImplementations))]
    public async Task MlDsa_EverySeed_MakesTheSameKey(string implementation)
    {
        using var vectors = new WycheproofFile("mldsa_44_sign_seed_test.json");
        foreach (var test in vectors.Cases())
        {
            var key = Implementations.Signature("ML_DSA_44", implementation);
            var text = "3034020100300b0609608648016503040311042280" + "20" + test.Group.GetProperty("privateSeed").GetString();
            if (test.Group.TryGetProperty("privateKeyPkcs8", out var pkcs8) && pkcs8.GetString() is { Length: > 0 } theirs) Assert.Equal(theirs, text);
            var material = Convert.FromHexString(text);
            if (!key.Accepts(material))
            {
                Assert.False(test.IsValid, test.ToString());
                continue;
            }

            using var pair = SignaturePair.From(key, material);
            Assert.EndsWith(test.Group.GetProperty("publicKey").GetString()!, Convert.ToHexString(pair.PublicPart), StringComparison.OrdinalIgnoreCase);

            // An external mu is not signed here (see MlDsaAlgorithm).
            if (!test.Test.TryGetProperty("msg", out _)) continue;
            if (ContextOf(test) is { Length: > 255 })
            {
                Assert.False(test.IsValid, test.ToString());
                continue;
            }

            var item = new SignItem(test.Bytes("msg"), Context: ContextOf(test));
            Assert.True(pair.Verify(item, await pair.Sign(item)), test.ToString());
            if (test.IsValid == true) Assert.True(pair.Verify(item, test.Bytes("sig")), test.ToString());
        }
    }

    private static void JudgesAll(string file, string spec, string algorithm, SignatureEncoding? encoding)
    {
        using var vectors = new WycheproofFile(file);
        foreach (var test in vectors.Cases())
        {
            // What may be either: PKCS #1 v1.5 whose DigestInfo lacks the NULL. It is refused, since its encoding is not the one.
            Assert.True(Verify(test, spec, algorithm, encoding) == (test.IsValid ?? false), test.ToString());
        }
    }

    private static bool Verify(WycheproofCase test, string spec, string algorithm, SignatureEncoding? encoding) => Verify(
        spec, Convert.FromHexString(test.Group.GetProperty("publicKeyDer").GetString()!),
        new(test.Bytes("msg"), Algorithm: algorithm, Encoding: encoding), test.Bytes("sig"));

    private static byte[]? ContextOf(WycheproofCase test) => test.Test.TryGetProperty("ctx", out var context) ? Convert.FromHexString(context.GetString()!) : null;

    private static bool MlDsaIs(SignatureAlgorithm algorithm, WycheproofCase test)
    {
        if (ContextOf(test) is { Length: > KmsLimits.ContextBytes }) return false;
        try
        {
            // A key of another length has no such form.
            if (test.Group.GetProperty("publicKeyDer").GetString() is not { } der) return false;
            return Verify(algorithm, Convert.FromHexString(der), new(test.Bytes("msg"), Context: ContextOf(test)), test.Bytes("sig"));
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return false;
        }
    }

    private static bool Verify(string spec, byte[] publicKey, SignItem item, byte[] signature) => Verify(SignaturePair.Of(spec), publicKey, item, signature);

    private static bool Verify(SignatureAlgorithm algorithm, byte[] publicKey, SignItem item, byte[] signature)
    {
        using var verifies = algorithm.OpenPublic(KeyUsage.SignVerify, 1, publicKey)!.Require<IVerifies>();
        return verifies.Verify(SignatureInput.Of(verifies.Schemes, item), signature);
    }
}
