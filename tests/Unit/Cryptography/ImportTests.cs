using System.Formats.Asn1;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Material from outside, of every spec.</summary>
public sealed class ImportTests
{
    public static TheoryData<string> Specs => AlgorithmRegistry.Specs;

    public static TheoryData<string> Curves => new("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1");

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task OwnMaterial_IsTakenAsItIs_AndAnythingLongerOrShorterIsNot(string spec)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        var algorithm = Find(spec);
        foreach (var usage in algorithm.Usages)
        {
            using var imported = algorithm.Import(usage, material);
            Assert.Equal(material, imported!.Secret!.Span.ToArray());
            Assert.Equal(algorithm.PublicPart(material), imported.PublicPart);
        }

        Assert.Null(Import(spec, []));
        Assert.Null(Import(spec, material[1..]));
        Assert.Null(Import(spec, material[..^1]));
        if (!AlgorithmRegistry.Macs.Any(row => row.Spec == spec)) Assert.Null(Import(spec, [.. material, 0]));
        Assert.Null(Import(spec, new byte[20_000]));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task PublicKeyAlone_IsTaken_WhereItIsOfUse(string spec)
    {
        var algorithm = Find(spec);
        if (algorithm.PublicPart(await AlgorithmRegistry.Material(spec, 1)) is not { } publicKey) return;
        foreach (var usage in algorithm.Usages)
        {
            using var imported = algorithm.Import(usage, publicKey);
            Assert.Equal(usage is KeyUsage.SignVerify or KeyUsage.EncryptDecrypt or KeyUsage.Encapsulate, imported is not null);
            if (imported is null) continue;
            Assert.Null(imported.Secret);
            Assert.Equal(publicKey, imported.PublicPart);
            using var opened = algorithm.OpenPublic(usage, 1, publicKey);
            Assert.NotNull(opened);
            using var longer = algorithm.Import(usage, [.. publicKey, 0]);
            using var shorter = algorithm.Import(usage, publicKey.AsSpan(0, publicKey.Length - 1));
            Assert.True(longer is null && shorter is null);
        }
    }

    [Theory]
    [InlineData("HMAC_224", 28, 64)]
    [InlineData("HMAC_256", 32, 64)]
    [InlineData("HMAC_384", 48, 128)]
    [InlineData("HMAC_512", 64, 128)]
    public async Task Hmac_TakesTheLengthOfTheHash_UpToThatOfItsBlock(string spec, int least, int most)
    {
        for (var length = 0; length <= most + 1; length++)
        {
            using var imported = Find(spec).Import(KeyUsage.Mac, AlgorithmRegistry.Counting(length));
            Assert.Equal(length >= least && length <= most, imported is not null);
        }

        var key = AlgorithmRegistry.Counting(most);
        using var version = Find(spec).Open(KeyUsage.Mac, "key", 1, key).Require<IMacs>();
        var expected = await OpenSsl.Run("message"u8.ToArray(), "dgst", "-sha" + spec[5..], "-mac", "HMAC", "-macopt", "hexkey:" + Convert.ToHexString(key), "-binary");
        Assert.Equal(expected, await version.Mac("message"u8.ToArray()));
    }

    [Theory]
    [InlineData("AES_256_GCM", 32)]
    [InlineData("AES_128_GCM", 16)]
    [InlineData("CHACHA20_POLY1305", 32)]
    [InlineData("HKDF_256", 32)]
    public void Symmetric_TakesItsOneLength(string spec, int length)
    {
        for (var given = 0; given <= 64; given++)
        {
            using var imported = Find(spec).Import(Find(spec).Usages[0], AlgorithmRegistry.Counting(given));
            Assert.Equal(given == length, imported is not null);
        }
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public async Task Ec_Pkcs8AndEcPrivateKey_OfOpenssl_AreTheSameMaterial(string spec)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        var alone = await OpenSsl.Run(material, "pkey", "-inform", "DER", "-traditional", "-outform", "DER");
        Assert.Equal(material, Import(spec, alone));
        Assert.Equal(material, Import(spec, await OpenSsl.Run(material, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER")));

        // Without its public key, that is computed.
        var ec = Ec.Of(spec, material);
        Assert.Equal(material, Import(spec, ec.Pkcs8(point: null)));
        Assert.Equal(material, Import(spec, ec.Pkcs8(point: null, curveInKey: ec.Curve)));
        Assert.Equal(material, Import(spec, ec.Alone()));
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public async Task Ec_Unsound_IsRefused(string spec)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        var ec = Ec.Of(spec, material);
        var other = Ec.Of(spec, await AlgorithmRegistry.Material(spec, 2));
        var another = spec == "ECC_NIST_P256" ? "1.3.132.0.10" : "1.2.840.10045.3.1.7";
        var order = Convert.FromHexString(ec.Order);
        var beyond = (byte[])order.Clone();
        beyond[^1]++;
        var flipped = (byte[])ec.Point.Clone();
        flipped[^1] ^= 1;
        byte[] compressed = [(byte)(2 + (ec.Point[^1] & 1)), .. ec.Point[1..(1 + ec.Number.Length)]];
        byte[][] unsound =
        [
            ec.Pkcs8(point: other.Point), ec.Pkcs8(point: flipped), ec.Pkcs8(point: compressed), ec.Pkcs8(point: [0]), ec.Pkcs8(point: []),
            (ec with { Number = new byte[ec.Number.Length] }).Pkcs8(point: null), (ec with { Number = order }).Pkcs8(point: null),
            (ec with { Number = beyond }).Pkcs8(point: null), (ec with { Number = [.. Enumerable.Repeat((byte)0xff, ec.Number.Length)] }).Pkcs8(point: null),
            (ec with { Number = ec.Number[1..] }).Pkcs8(point: null), (ec with { Number = [0, .. ec.Number] }).Pkcs8(point: null),
            (ec with { Curve = another }).Pkcs8(point: null), ec.Pkcs8(point: null, curveInKey: another), ec.Alone(curve: null), ec.Alone(curve: another),
            [.. material, 0], [.. ec.Alone(), 0], ec.Alone(version: 0), ec.Pkcs8(point: null, version: 2), ec.Pkcs8(point: null, version: 1),
            await OpenSsl.Run(material, "pkey", "-inform", "DER", "-outform", "DER", "-ec_param_enc", "explicit"),
            await OpenSsl.Run(material, "pkey", "-inform", "DER", "-traditional", "-outform", "DER", "-ec_param_enc", "explicit"),
            await AlgorithmRegistry.Material("ED25519", 1),
        ];
        for (var i = 0; i < unsound.Length; i++) Assert.True(Import(spec, unsound[i]) is null, $"case {i}");
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public async Task Ec_PublicAlone_OnlyUncompressedPointsOfTheNamedCurve(string spec)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        var publicKey = Find(spec).PublicPart(material)!;
        async Task<byte[]> Form(params string[] options) => await OpenSsl.Run(publicKey, ["pkey", "-pubin", "-inform", "DER", "-outform", "DER", .. options]);
        Assert.Equal(publicKey, await Form());
        var off = (byte[])publicKey.Clone();
        off[^1] ^= 1;
        byte[][] unsound = [off, await Form("-ec_conv_form", "compressed"), await Form("-ec_conv_form", "hybrid"), await Form("-ec_param_enc", "explicit")];
        for (var i = 0; i < unsound.Length; i++)
        {
            using var imported = Find(spec).Import(KeyUsage.SignVerify, unsound[i]);
            Assert.True(imported is null, $"case {i}");
        }

        // To agree takes the private key.
        using var agrees = Find(spec).Usages.Contains(KeyUsage.KeyAgreement) ? Find(spec).Import(KeyUsage.KeyAgreement, publicKey) : null;
        Assert.Null(agrees);
    }

    [Theory]
    [InlineData("ED25519", "1.3.101.112")]
    [InlineData("X25519", "1.3.101.110")]
    public async Task Rfc8410_WithItsPublicKey_IsTaken_IfThatIsTheRightOne(string spec, string oid)
    {
        var (material, other) = (await AlgorithmRegistry.Material(spec, 1), await AlgorithmRegistry.Material(spec, 2));
        var (theirs, wrong) = (Find(spec).PublicPart(material)![^32..], Find(spec).PublicPart(other)![^32..]);
        var key = material[^32..];
        Assert.Equal(material, Import(spec, Raw(oid, key, version: 1, theirs)));
        Assert.Equal(material, Import(spec, Raw(oid, key, version: 0, null)));
        Assert.Equal(material, Import(spec, Raw(oid, key, version: 1, theirs, withAttributes: true)));
        byte[][] unsound =
        [
            Raw(oid, key, version: 1, wrong), Raw(oid, key, version: 1, theirs[1..]), Raw(oid, key, version: 0, theirs), Raw(oid, key, version: 1, null),
            Raw(oid, key[1..], version: 0, null), Raw(oid, [.. key, 0], version: 0, null), Raw("1.3.101.111", key, version: 0, null), Raw("1.3.101.113", key, version: 0, null),
            Raw(oid, key, version: 0, null, withParameters: true), key,
        ];
        for (var i = 0; i < unsound.Length; i++) Assert.True(Import(spec, unsound[i]) is null, $"case {i}");
    }

    [Fact]
    public void Ed25519_PublicAlone_OfLowOrder_IsRefused()
    {
        var prefix = Convert.FromHexString("302a300506032b6570032100");
        foreach (var point in (string[])["0100000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"])
        {
            using var imported = Find("ED25519").Import(KeyUsage.SignVerify, [.. prefix, .. Convert.FromHexString(point)]);
            Assert.Null(imported);
        }
    }

    [Fact]
    public async Task SlhDsa_WithARootThatIsNotItsOwn_IsRefused()
    {
        const string Spec = "SLH_DSA_SHA2_128S";
        var material = await AlgorithmRegistry.Material(Spec, 1);
        foreach (var at in (int[])[1, 17, 33])
        {
            // The last quarter is the root, the one before it the public seed, and the first one the secret seed.
            var changed = (byte[])material.Clone();
            changed[^at] ^= 1;
            Assert.Equal(at == 33, Import(Spec, changed) is not null);
        }
    }

    [Fact]
    public void Wycheproof_X25519_PrivateKeys_AgreeAsTheyDoElsewhere()
    {
        using var vectors = new WycheproofFile("x25519_asn_test.json");
        var taken = 0;
        foreach (var test in vectors.Cases())
        {
            if (Import("X25519", test.Bytes("private")) is not { } material)
            {
                Assert.False(test.IsValid, test.ToString());
                continue;
            }

            taken++;
            Assert.Equal(test.Bytes("private")[^32..], material[^32..]);
        }

        Assert.True(taken > 400, $"{taken} taken");
    }

    [Fact]
    public void Wycheproof_MlDsa_Seeds_AreTaken_IfTheyAreSeeds()
    {
        using var vectors = new WycheproofFile("mldsa_44_sign_seed_test.json");
        var taken = 0;
        foreach (var test in vectors.Cases())
        {
            var seed = Convert.FromHexString(test.Group.GetProperty("privateSeed").GetString()!);
            var material = Import("ML_DSA_44", [.. Convert.FromHexString("3034020100300b0609608648016503040311042280"), (byte)seed.Length, .. seed]);
            Assert.Equal(seed.Length == 32, material is not null);
            taken += material is null ? 0 : 1;
        }

        Assert.True(taken > 50, $"{taken} taken");
    }

    [Theory]
    [InlineData("ecdsa_secp256r1_sha256_test.json", "ECC_NIST_P256")]
    [InlineData("ecdsa_secp384r1_sha384_test.json", "ECC_NIST_P384")]
    [InlineData("ecdsa_secp521r1_sha512_test.json", "ECC_NIST_P521")]
    [InlineData("ecdsa_secp256k1_sha256_bitcoin_test.json", "ECC_SECG_P256K1")]
    [InlineData("ed25519_test.json", "ED25519")]
    public void Wycheproof_PublicKeys_AreTakenAlone(string file, string spec)
    {
        using var vectors = new WycheproofFile(file);
        var keys = vectors.Cases().Select(test => test.Group.GetProperty("publicKeyDer").GetString()!).Distinct().ToList();
        var taken = keys.Count(key =>
        {
            using var imported = Find(spec).Import(KeyUsage.SignVerify, Convert.FromHexString(key));
            return imported is { Secret: null };
        });
        Assert.True(taken == keys.Count, $"{taken} of {keys.Count}");
    }

    /// <summary>Its private keys as ECPrivateKey, without the point, through the import and ECDH.</summary>
    [Fact]
    public async Task Wycheproof_P256_PrivateKeys_AgreeAsTheySay()
    {
        using var vectors = new WycheproofFile("ecdh_secp256r1_test.json");
        var agreed = 0;
        foreach (var test in vectors.Cases())
        {
            if (test.IsValid != true) continue;
            var number = new byte[32];
            var given = test.Bytes("private").AsSpan().TrimStart((byte)0);
            given.CopyTo(number.AsSpan(32 - given.Length));
            var material = Import("ECC_NIST_P256", new Ec("1.2.840.10045.3.1.7", number, [], "").Alone(withPoint: false), KeyUsage.KeyAgreement);
            using var version = Find("ECC_NIST_P256").Open(KeyUsage.KeyAgreement, "key", 1, material!).Require<IAgrees>();
            using var secret = await version.Agree(test.Bytes("public"));
            Assert.True(secret!.Span.SequenceEqual(test.Bytes("shared")), test.ToString());
            agreed++;
        }

        Assert.True(agreed > 200, $"{agreed} agreed");
    }

    private static KeyAlgorithm Find(string spec) => KeyAlgorithms.All.Single(algorithm => algorithm.Spec == spec);

    private static byte[]? Import(string spec, byte[] material, KeyUsage? usage = null)
    {
        using var imported = Find(spec).Import(usage ?? Find(spec).Usages[0], material);
        return imported?.Secret?.Span.ToArray();
    }

    private static byte[] Raw(string oid, byte[] key, int version, byte[]? publicKey, bool withAttributes = false, bool withParameters = false)
    {
        var inner = new AsnWriter(AsnEncodingRules.DER);
        inner.WriteOctetString(key);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(version);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(oid);
                if (withParameters) writer.WriteNull();
            }

            writer.WriteOctetString(inner.Encode());
            if (withAttributes)
            {
                using (writer.PushSetOf(new Asn1Tag(TagClass.ContextSpecific, 0)))
                {
                }
            }

            if (publicKey is not null) writer.WriteBitString(publicKey, tag: new Asn1Tag(TagClass.ContextSpecific, 1));
        }

        return writer.Encode();
    }

    /// <summary>A private key of a curve, written by hand.</summary>
    private sealed record Ec(string Curve, byte[] Number, byte[] Point, string Order)
    {
        public static Ec Of(string spec, byte[] material)
        {
            using var key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(material, out _);
            var parameters = key.ExportParameters(true);
            return new(
                parameters.Curve.Oid.Value!, parameters.D!, [4, .. parameters.Q.X!, .. parameters.Q.Y!],
                spec switch
                {
                    "ECC_NIST_P256" => "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
                    "ECC_NIST_P384" => "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
                    "ECC_NIST_P521" => "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
                    _ => "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
                });
        }

        public byte[] Alone(string? curve = "", int version = 1, bool withPoint = true) =>
            Key(curve is "" ? Curve : curve, withPoint ? Point : null, version);

        public byte[] Pkcs8(byte[]? point, string? curveInKey = null, int version = 0)
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteInteger(version);
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier("1.2.840.10045.2.1");
                    writer.WriteObjectIdentifier(Curve);
                }

                writer.WriteOctetString(Key(curveInKey, point, 1));
            }

            return writer.Encode();
        }

        private byte[] Key(string? curve, byte[]? point, int version)
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteInteger(version);
                writer.WriteOctetString(Number);
                if (curve is not null)
                {
                    using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0))) writer.WriteObjectIdentifier(curve);
                }

                if (point is not null)
                {
                    using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 1))) writer.WriteBitString(point);
                }
            }

            return writer.Encode();
        }
    }
}
