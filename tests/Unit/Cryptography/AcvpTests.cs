using System.Formats.Asn1;
using System.Numerics;
using System.Reflection;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Encapsulation;
using OrleansKms.Grains.Cryptography.Signatures;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// NIST's ACVP vectors, where <c>OKMS_ACVP</c> names a directory of them, through what the service imports, verifies and decapsulates. What the
/// service does not offer is counted as such: pre-hash and internal variants, an external mu, expanded private keys, other hashes and curves.
/// </summary>
public sealed class AcvpTests(ITestOutputHelper log)
{
    [AcvpFact("ML-KEM-keyGen-FIPS203")]
    public void MlKem_Seeds_MakeTheKeys() => Try("ML-KEM-keyGen-FIPS203", test =>
    {
        var expected = test.Answer("ek");
        foreach (var algorithm in Kems(test)) Assert.Equal(expected, PublicOf(algorithm, [.. test.Bytes("d"), .. test.Bytes("z")])[^expected.Length..]);
        return true;
    });

    [AcvpFact("ML-KEM-encapDecap-FIPS203")]
    public void MlKem_Keys_EncapsulateAndAreChecked() => Try("ML-KEM-encapDecap-FIPS203", MlKem);

    [AcvpFact("ML-KEM-encapDecap-FIPS203-tr1")]
    public void MlKem_Seeds_Decapsulate() => Try("ML-KEM-encapDecap-FIPS203-tr1", MlKem);

    [AcvpFact("ML-DSA-keyGen-FIPS204")]
    public void MlDsa_Seeds_MakeTheKeys() => Try("ML-DSA-keyGen-FIPS204", test =>
    {
        var expected = test.Answer("pk");
        foreach (var algorithm in MlDsas(test)) Assert.Equal(expected, PublicOf(algorithm, test.Bytes("seed"))[^expected.Length..]);
        return true;
    });

    [AcvpFact("ML-DSA-sigVer-FIPS204")]
    public void MlDsa_Signatures_AreJudged() => Try(
        "ML-DSA-sigVer-FIPS204", test => IsPure(test) && MlDsas(test).All(algorithm => IsJudgedRight(algorithm, test, PublicKey(algorithm, test.Bytes("pk")))));

    /// <summary>Zeros instead of randomness make the deterministic variant. Only BouncyCastle takes either; what it signs, every implementation verifies.</summary>
    [AcvpFact("ML-DSA-sigGen-FIPS204-tr1")]
    public void MlDsa_Seeds_Sign() => Try("ML-DSA-sigGen-FIPS204-tr1", test =>
    {
        if (!IsPure(test) || !test.Is("keyFormat", "seed")) return false;
        var algorithm = (MlDsaAlgorithm)Implementations.Signature(Spec(test), Implementations.Library);
        using var key = algorithm.OpenSeed(test.Bytes("seed"), bytes => (test.Has("rnd") ? test.Bytes("rnd") : new byte[bytes.Length]).CopyTo(bytes));
        var message = test.Bytes("message");
        var input = SignatureInput.Of(algorithm.Schemes, new(message, Context: test.Bytes("context")));
        var signature = key.Sign(input, message);
        Assert.Equal(test.Answer("signature"), signature);
        foreach (var one in MlDsas(test))
        {
            using var verifies = one.OpenPublic(KeyUsage.SignVerify, 1, PublicOf(one, test.Bytes("seed")))!.Require<IVerifies>();
            Assert.True(verifies.Verify(input, signature));
        }

        return true;
    });

    [AcvpFact("SLH-DSA-keyGen-FIPS205")]
    public void SlhDsa_Seeds_MakeTheKeys() => Try("SLH-DSA-keyGen-FIPS205", test =>
    {
        if (SlhDsa(test) is not { } algorithm) return false;
        using var random = new MemoryStream([.. test.Bytes("skSeed"), .. test.Bytes("skPrf"), .. test.Bytes("pkSeed")]);
        using var material = algorithm.Make(bytes => random.ReadExactly(bytes));
        var (secret, expected) = (test.Answer("sk"), test.Answer("pk"));
        Assert.Equal(secret, material.Span[^secret.Length..].ToArray());
        Assert.Equal(expected, algorithm.PublicPart(material.Span)![^expected.Length..]);
        return true;
    });

    /// <summary>
    /// Those of the external interface through the service. Older files have the internal one alone, which nobody offers: they go through what the
    /// library has beneath, once it has put the context before the message.
    /// </summary>
    [AcvpFact("SLH-DSA-sigVer-FIPS205")]
    public void SlhDsa_Signatures_AreJudged() => Try("SLH-DSA-sigVer-FIPS205", test => SlhDsa(test) is { } algorithm
        && (test.Is("signatureInterface", "external")
            ? IsPure(test) && IsJudgedRight(algorithm, test, PublicKey(algorithm, test.Bytes("pk")))
            : IsJudgedRightBeneath(test)));

    [AcvpFact("ECDSA-SigVer-FIPS186-5")]
    public void Ecdsa_Signatures_AreJudged() => Try("ECDSA-SigVer-FIPS186-5", test =>
    {
        (string Spec, string Curve, int Length)? found = (test.Text("curve"), test.Text("hashAlg")) switch
        {
            ("P-256", "SHA2-256") => ("ECC_NIST_P256", "1.2.840.10045.3.1.7", 32),
            ("P-384", "SHA2-384") => ("ECC_NIST_P384", "1.3.132.0.34", 48),
            ("P-521", "SHA2-512") => ("ECC_NIST_P521", "1.3.132.0.35", 66),
            _ => null,
        };
        if (found is not { } curve) return false;
        var key = PublicKeyInfo("1.2.840.10045.2.1", curve.Curve, [4, .. Padded(test.Bytes("qx"), curve.Length), .. Padded(test.Bytes("qy"), curve.Length)]);
        byte[] signature = [.. Padded(test.Bytes("r"), curve.Length), .. Padded(test.Bytes("s"), curve.Length)];
        Assert.Equal(test.IsValid, Verifies(curve.Spec, key, new(test.Bytes("message"), Encoding: SignatureEncoding.P1363), signature));
        return true;
    });

    /// <summary>Keys whose exponent is larger than what the service takes must be refused by the import, whatever their signatures are.</summary>
    [AcvpFact("RSA-SigVer-FIPS186-5")]
    public void Rsa_Signatures_AreJudged() => Try("RSA-SigVer-FIPS186-5", test =>
    {
        var algorithm = (test.Text("sigType"), test.Text("hashAlg"), test.Text("maskFunction")) switch
        {
            ("pkcs1v1.5", "SHA2-256" or "SHA2-384" or "SHA2-512", _) => "RSASSA_PKCS1_V1_5_SHA_" + test.Text("hashAlg")[5..],
            ("pss", "SHA2-256" or "SHA2-384" or "SHA2-512", "mgf1") => "RSASSA_PSS_SHA_" + test.Text("hashAlg")[5..],
            _ => null,
        };
        if (algorithm is null) return false;
        var (spec, exponent) = ($"RSA_{test.Group.GetProperty("modulo")}", test.Bytes("e"));
        var isTaken = new BigInteger(exponent, isUnsigned: true, isBigEndian: true) <= int.MaxValue;
        var key = RsaInfo(test.Bytes("n"), exponent);
        using var imported = SignaturePair.Of(spec).Import(KeyUsage.SignVerify, key);
        Assert.Equal(isTaken, imported is not null);
        if (!isTaken) return true;

        // A salt of another length than the hash is not offered.
        var hasOtherSalt = test.Is("sigType", "pss") && test.Group.GetProperty("saltLen").GetInt32() != int.Parse(test.Text("hashAlg")[5..], null) / 8;
        Assert.Equal(test.IsValid && !hasOtherSalt, Verifies(spec, key, new(test.Bytes("message"), Algorithm: algorithm), test.Bytes("signature")));
        return true;
    });

    [AcvpFact("EDDSA-SigVer-1.0")]
    public void Ed25519_Signatures_AreJudged() => Try("EDDSA-SigVer-1.0", test =>
    {
        if (!test.Is("curve", "ED-25519")) return false;
        var isHashed = test.Group.GetProperty("preHash").GetBoolean();
        var item = isHashed
            ? new SignItem(SHA512.HashData(test.Bytes("message")), IsDigest: true, Algorithm: "ED25519_PH")
            : new SignItem(test.Bytes("message"));
        Assert.Equal(test.IsValid, Verifies("ED25519", PublicKey(SignaturePair.Of("ED25519"), test.Bytes("q")), item, test.Bytes("signature")));
        return true;
    });

    [AcvpFact("HMAC-SHA2-224-2.0")]
    public Task Hmac224_Holds() => TryMacs("HMAC-SHA2-224-2.0", "HMAC_224");

    [AcvpFact("HMAC-SHA2-256-2.0")]
    public Task Hmac256_Holds() => TryMacs("HMAC-SHA2-256-2.0", "HMAC_256");

    [AcvpFact("HMAC-SHA2-384-2.0")]
    public Task Hmac384_Holds() => TryMacs("HMAC-SHA2-384-2.0", "HMAC_384");

    [AcvpFact("HMAC-SHA2-512-2.0")]
    public Task Hmac512_Holds() => TryMacs("HMAC-SHA2-512-2.0", "HMAC_512");

    /// <summary>Keys of a length that the service takes. A truncated MAC, which it makes and verifies none of, holds if it is the beginning of the whole.</summary>
    private async Task TryMacs(string folder, string spec)
    {
        using var file = new AcvpFile(folder);
        var (tried, others) = (0, 0);
        foreach (var test in file.Cases())
        {
            using var imported = KeyAlgorithms.Macs.Single(one => one.Spec == spec).Import(KeyUsage.Mac, test.Bytes("key"));
            if (imported is null)
            {
                others++;
                continue;
            }

            using var version = KeyAlgorithms.Macs.Single(one => one.Spec == spec).Open(KeyUsage.Mac, "key", 1, imported.Secret!.Span).Require<IMacs>();
            var (mac, expected) = (await version.Mac(test.Bytes("msg")), test.Answer("mac"));
            Assert.True(mac.AsSpan().StartsWith(expected), test.ToString());
            Assert.Equal(mac.Length == expected.Length, await version.VerifyMac(test.Bytes("msg"), expected));
            tried++;
        }

        Tell(folder, tried, others);
    }

    private void Try(string folder, Func<AcvpCase, bool> holds)
    {
        using var file = new AcvpFile(folder);
        var (tried, others) = (0, 0);
        foreach (var test in file.Cases())
        {
            try
            {
                if (holds(test)) tried++;
                else others++;
            }
            catch (Xunit.Sdk.XunitException e)
            {
                throw new InvalidOperationException($"{folder}, {test}", e);
            }
        }

        Tell(folder, tried, others);
    }

    private void Tell(string folder, int tried, int others)
    {
        log.WriteLine($"{folder}: {tried} cases hold, {others} are of what the service does not offer.");
        Assert.True(tried > 0, $"{folder}: none of its {others} cases is of what the service offers: are they of an older revision?");
    }

    private static bool MlKem(AcvpCase test)
    {
        foreach (var algorithm in Kems(test))
        {
            switch (test.Text("function"))
            {
                case "encapsulation":
                    Encapsulates(algorithm, test);
                    break;
                case "encapsulationKeyCheck":
                    using (var imported = algorithm.Import(KeyUsage.Encapsulate, PublicKey(algorithm, test.Bytes("ek"))))
                    {
                        Assert.Equal(test.IsValid, imported is not null);
                    }

                    break;
                case "decapsulation" when test.Is("keyFormat", "seed"):
                    using (var pair = new KemPair(algorithm, Imported(algorithm, KeyUsage.Encapsulate, [.. test.Bytes("d"), .. test.Bytes("z")])))
                    {
                        Assert.Equal(test.Answer("k"), pair.Decapsulate(test.Bytes("c")));
                    }

                    break;
                default:
                    // An expanded private key, sound or not, is never taken.
                    using (var taken = algorithm.Import(KeyUsage.Encapsulate, test.Bytes("dk")))
                    {
                        Assert.Null(taken);
                    }

                    return false;
            }
        }

        return true;
    }

    // Only BouncyCastle takes the randomness; of others it is known that they take the key.
    private static void Encapsulates(MlKemAlgorithm algorithm, AcvpCase test)
    {
        using var imported = algorithm.Import(KeyUsage.Encapsulate, PublicKey(algorithm, test.Bytes("ek")));
        Assert.NotNull(imported);
        if (!ReferenceEquals(algorithm, Implementations.Kem(algorithm.Spec, Implementations.Library))) return;
        using var key = algorithm.OpenPublic(test.Bytes("ek"), bytes => test.Bytes("m").CopyTo(bytes));
        var (ciphertext, secret) = (new byte[algorithm.CiphertextLength], new byte[32]);
        key.Encapsulate(ciphertext, secret);
        Assert.Equal(test.Answer("c"), ciphertext);
        Assert.Equal(test.Answer("k"), secret);
    }

    private static bool IsJudgedRight(SignatureAlgorithm algorithm, AcvpCase test, byte[] publicKey)
    {
        var item = new SignItem(test.Bytes("message"), Context: test.Has("context") ? test.Bytes("context") : null);
        Assert.Equal(test.IsValid, Verifies(algorithm, publicKey, item, test.Bytes("signature")));
        return true;
    }

    private static bool IsJudgedRightBeneath(AcvpCase test)
    {
        var parameters = (SlhDsaParameters)typeof(SlhDsaParameters).GetField(Spec(test).ToLowerInvariant())!.GetValue(null)!;
        var beneath = typeof(SlhDsaPublicKeyParameters).GetMethod("VerifyInternal", BindingFlags.Instance | BindingFlags.NonPublic)!;
        var message = test.Bytes("message");
        Assert.Equal(
            test.IsValid,
            beneath.Invoke(SlhDsaPublicKeyParameters.FromEncoding(parameters, test.Bytes("pk")), [message, 0, message.Length, test.Bytes("signature")]));
        return true;
    }

    private static bool Verifies(string spec, byte[] publicKey, SignItem item, byte[] signature) => Verifies(SignaturePair.Of(spec), publicKey, item, signature);

    /// <summary>Whether the service takes the key and, with it, the signature.</summary>
    private static bool Verifies(SignatureAlgorithm algorithm, byte[] publicKey, SignItem item, byte[] signature)
    {
        using var imported = algorithm.Import(KeyUsage.SignVerify, publicKey);
        if (imported is null) return false;
        using var verifies = algorithm.OpenPublic(KeyUsage.SignVerify, 1, imported.PublicPart)!.Require<IVerifies>();
        return verifies.Verify(SignatureInput.Of(verifies.Schemes, item), signature);
    }

    private static bool IsPure(AcvpCase test) => test.Is("signatureInterface", "external") && test.Is("preHash", "pure");

    private static string Spec(AcvpCase test) => test.Text("parameterSet").ToUpperInvariant().Replace('-', '_');

    private static IEnumerable<MlKemAlgorithm> Kems(AcvpCase test) => Implementations.Kems
        .Where(row => (string)row[0] == Spec(test)).Select(row => (MlKemAlgorithm)Implementations.Kem((string)row[0], (string)row[1]));

    private static IEnumerable<SignatureAlgorithm> MlDsas(AcvpCase test) => Implementations.Signatures
        .Where(row => (string)row[0] == Spec(test)).Select(row => Implementations.Signature((string)row[0], (string)row[1]));

    private static Grains.Cryptography.Signatures.SlhDsaAlgorithm? SlhDsa(AcvpCase test) => KeyAlgorithms.Signatures.FirstOrDefault(one => one.Spec == Spec(test)) as Grains.Cryptography.Signatures.SlhDsaAlgorithm;

    private static byte[] PublicOf(KeyAlgorithm algorithm, byte[] seed) => algorithm.PublicPart(Imported(algorithm, algorithm.Usages[0], seed))!;

    /// <summary>A private key as the service keeps it, once it has imported it.</summary>
    private static byte[] Imported(KeyAlgorithm algorithm, KeyUsage usage, byte[] key)
    {
        using var any = algorithm.NewMaterial().AsTask().GetAwaiter().GetResult();
        using var imported = algorithm.Import(usage, (byte[])[.. any.Span[..^key.Length], .. key]);
        return imported!.Secret!.Span.ToArray();
    }

    /// <summary>A public key in DER, of whatever length the string is.</summary>
    private static byte[] PublicKey(KeyAlgorithm algorithm, byte[] key)
    {
        using var any = algorithm.NewMaterial().AsTask().GetAwaiter().GetResult();
        var reader = new AsnReader(algorithm.PublicPart(any.Span), AsnEncodingRules.DER).ReadSequence();
        return PublicKeyInfo(reader.ReadSequence().ReadObjectIdentifier(), null, key);
    }

    private static byte[] PublicKeyInfo(string algorithm, string? curve, byte[] key)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(algorithm);
                if (curve is not null) writer.WriteObjectIdentifier(curve);
            }

            writer.WriteBitString(key);
        }

        return writer.Encode();
    }

    private static byte[] RsaInfo(byte[] modulus, byte[] exponent)
    {
        var (numbers, writer) = (new AsnWriter(AsnEncodingRules.DER), new AsnWriter(AsnEncodingRules.DER));
        using (numbers.PushSequence())
        {
            numbers.WriteInteger(new BigInteger(modulus, isUnsigned: true, isBigEndian: true));
            numbers.WriteInteger(new BigInteger(exponent, isUnsigned: true, isBigEndian: true));
        }

        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                writer.WriteNull();
            }

            writer.WriteBitString(numbers.Encode());
        }

        return writer.Encode();
    }

    private static byte[] Padded(byte[] number, int length) => number.Length >= length ? number : [.. new byte[length - number.Length], .. number];
}
