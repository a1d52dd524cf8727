using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>RSA keys from outside: whatever is not sound is refused.</summary>
public sealed class RsaImportTests
{
    private static readonly Lazy<RsaNumbers> _key = new(() => RsaNumbers.New(2048));

    private static RsaNumbers Key => _key.Value;

    [Fact]
    public void Sound_IsTaken_InOneForm()
    {
        var order = (Key.P - 1) * (Key.Q - 1);
        var material = Import(Key.Pkcs8())!;

        // The exponent modulo the order of the group, not the least one, and attributes of the file: it is the same key.
        var other = Key with { D = RsaNumbers.Inverted(Key.E, order) };
        Assert.Equal(PublicOf(material), PublicOf(Import(other.Pkcs8())!));
        Assert.Equal(PublicOf(material), PublicOf(Import(Key.Pkcs8(outer: Attributes))!));
        Assert.Equal(Key.Spki(), PublicOf(material));

        // What was taken opens, and again is the same.
        Assert.Equal(material, Import(material));
        using var version = SignaturePair.Of("RSA_2048").Open(KeyUsage.SignVerify, "key", 1, material);
        Assert.IsAssignableFrom<ISigns>(version);
    }

    [Fact]
    public void ExponentsBeside65537_AreTaken_IfOddAndNeitherShortNorLong()
    {
        foreach (var e in (long[])[65539, 2147483647])
        {
            var p = RsaNumbers.Prime(1024, p => (p - 1) % e != 0);
            var q = RsaNumbers.Prime(1024, q => (q - 1) % e != 0);
            var key = RsaNumbers.From(p, q, e);
            var material = Import(key.Pkcs8());
            Assert.True(material is not null, e.ToString(System.Globalization.CultureInfo.InvariantCulture));
            using var pair = SignaturePair.From(SignaturePair.Of("RSA_2048"), material);
            Assert.True(ImportsPublic(key.Spki()));
        }

        foreach (var e in (long[])[3, 17, 65535, 2147483649, 4294967297])
        {
            var p = RsaNumbers.Prime(1024, p => BigInteger.GreatestCommonDivisor(p - 1, e).IsOne);
            var q = RsaNumbers.Prime(1024, q => BigInteger.GreatestCommonDivisor(q - 1, e).IsOne);
            var key = RsaNumbers.From(p, q, e);
            Assert.Null(Import(key.Pkcs8()));
            Assert.False(ImportsPublic(key.Spki()));
        }
    }

    public static TheoryData<string> Faults => new(_faults.Keys);

    private static readonly Dictionary<string, Func<byte[]>> _faults = new()
    {
        ["nothing"] = () => [],
        ["another length"] = () => RsaNumbers.New(3072).Pkcs8(),
        ["a bit less"] = () => RsaNumbers.From(RsaNumbers.Prime(1024), RsaNumbers.Prime(1016)).Pkcs8(),
        ["primes of unequal length"] = () => RsaNumbers.From(RsaNumbers.Prime(1032), RsaNumbers.Prime(1016)).Pkcs8(),
        ["an even exponent"] = () => (Key with { E = 65538 }).Pkcs8(),
        ["another exponent"] = () => (Key with { E = 65539 }).Pkcs8(),
        ["another modulus"] = () => (Key with { N = Key.N + 2 }).Pkcs8(),
        ["another private exponent"] = () => (Key with { D = Key.D + 2 }).Pkcs8(),
        ["a private exponent beyond the modulus"] = () => (Key with { D = Key.D + ((Key.P - 1) * (Key.Q - 1) * 2) }).Pkcs8(),
        ["another dp"] = () => (Key with { Dp = Key.Dp + 2 }).Pkcs8(),
        ["a dp that is not reduced"] = () => (Key with { Dp = Key.Dp + Key.P - 1 }).Pkcs8(),
        ["another dq"] = () => (Key with { Dq = Key.Dq + 2 }).Pkcs8(),
        ["another inverse"] = () => (Key with { Inverse = Key.Inverse + 1 }).Pkcs8(),
        ["an inverse that is not reduced"] = () => (Key with { Inverse = Key.Inverse + Key.P }).Pkcs8(),
        ["the primes exchanged"] = () => (Key with { P = Key.Q, Q = Key.P }).Pkcs8(),
        ["no primes"] = () => (Key with { P = 0, Q = 0, Dp = 0, Dq = 0, Inverse = 0 }).Pkcs8(),
        ["a negative number"] = () => (Key with { D = -Key.D }).Pkcs8(),
        ["a factor that is not prime"] = () => RsaNumbers.From(RsaNumbers.Prime(512) * RsaNumbers.Prime(512), RsaNumbers.Prime(1024)).Pkcs8(),
        ["a prime twice"] = () =>
        {
            var p = RsaNumbers.Prime(1024);
            return new RsaNumbers(p * p, 65537, RsaNumbers.Inverted(65537, p * (p - 1)), p, p, 0, 0, 0).Pkcs8();
        },
        ["primes that are close"] = () =>
        {
            var p = RsaNumbers.Prime(1024);
            var q = p + (BigInteger.One << 800);
            while (!RsaNumbers.IsPrime(q)) q += 2;
            return RsaNumbers.From(q, p).Pkcs8();
        },
        ["a short private exponent"] = () =>
        {
            // Its public exponent would be long; given the usual one, the numbers do not fit either.
            var short65 = RsaNumbers.Prime(256);
            return RsaNumbers.From(Key.P, Key.Q, e: null, d: short65).Pkcs8();
        },
        ["a modulus of Infineon's library"] = () => Roca().Pkcs8(),
        ["a small factor"] = () => (Key with { N = Key.N * 3 / 3 - 2 }).Pkcs8(),
        ["a third prime"] = () => Key.Pkcs8(version: 1, after: writer =>
        {
            using (writer.PushSequence())
            using (writer.PushSequence())
            {
                foreach (var number in (int[])[3, 1, 2]) writer.WriteInteger(number);
            }
        }),
        ["version 1 without a third prime"] = () => Key.Pkcs8(version: 1),
        ["a number more"] = () => Key.Pkcs8(after: writer => writer.WriteInteger(1)),
        ["bytes behind it"] = () => [.. Key.Pkcs8(), 0],
        ["bytes before it"] = () => [0, .. Key.Pkcs8()],
        ["its end cut off"] = () => Key.Pkcs8()[..^1],
        ["PKCS#1 alone"] = () => Key.Pkcs1(),
        ["a public key twice"] = () => Key.Pkcs8(outer: writer => writer.WriteBitString(Key.Spki(), tag: new Asn1Tag(TagClass.ContextSpecific, 1))),
        ["no parameters"] = () => Key.Pkcs8(hasNull: false),
        ["the algorithm PSS"] = () => Key.Pkcs8(oid: "1.2.840.113549.1.1.10"),
        ["a length in more bytes than it takes"] = () => Longer(Key.Pkcs8()),
        ["PEM"] = () => System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString("PRIVATE KEY", Key.Pkcs8())),
        ["an elliptic curve"] = () => AlgorithmRegistry.Material("ECC_NIST_P256", 1).GetAwaiter().GetResult(),
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Unsound_IsRefused(string fault) => Assert.Null(Import(_faults[fault]()));

    [Fact]
    public void PublicAlone_IsTakenInItsOneForm_ToVerify()
    {
        Assert.True(ImportsPublic(Key.Spki()));
        byte[][] unsound =
        [
            [], Key.Pkcs1(), [.. Key.Spki(), 0], Key.Spki()[..^1], Key.Spki(oid: "1.2.840.113549.1.1.10"), Longer(Key.Spki()), RsaNumbers.New(3072).Spki(),
            (Key with { N = Key.N + 1 }).Spki(), (Key with { E = 3 }).Spki(), (Key with { E = 65538 }).Spki(), (Key with { N = Key.N >> 1 }).Spki(),
            (Key with { N = OddMultipleOfThree(Key.N) }).Spki(), (Key with { N = RsaNumbers.Prime(2048) }).Spki(), Roca().Spki(),
        ];
        for (var i = 0; i < unsound.Length; i++) Assert.False(ImportsPublic(unsound[i]), $"case {i}");
    }

    private static BigInteger OddMultipleOfThree(BigInteger below)
    {
        var multiple = below / 3 * 3;
        return multiple.IsEven ? multiple - 3 : multiple;
    }

    /// <summary>The primes of RSA keys are tested by the same call.</summary>
    [WycheproofFact]
    public void Wycheproof_Primality_OfLargeNumbers_IsAsItSays()
    {
        using var vectors = new WycheproofFile("primality_test.json");
        var judged = 0;
        foreach (var test in vectors.Cases())
        {
            var value = new Org.BouncyCastle.Math.BigInteger(1, test.Bytes("value"));

            // Of the sizes of factors. (BouncyCastle takes hours for Fermat numbers, 2^k + 1; of the accepted lengths k would be odd, and 3 divides those.)
            if (value.BitLength < 512 || value.BitLength % 32 == 1 || test.Test.GetProperty("value").GetString()![0] >= '8') continue;
            judged++;
            Assert.True(value.IsProbablePrime(100) == (test.IsValid ?? true), test.ToString());
        }

        Assert.True(judged > 100, $"{judged} numbers");
    }

    [WycheproofTheory]
    [InlineData("rsa_oaep_2048_sha256_mgf1sha256_test.json", "RSA_2048")]
    [InlineData("rsa_oaep_3072_sha256_mgf1sha256_test.json", "RSA_3072")]
    [InlineData("rsa_oaep_4096_sha256_mgf1sha256_test.json", "RSA_4096")]
    public void Wycheproof_PrivateKeys_AreTaken(string file, string spec)
    {
        using var vectors = new WycheproofFile(file);
        foreach (var text in Keys(vectors)) Assert.NotNull(Import(Convert.FromHexString(text), spec));
    }

    [WycheproofTheory]
    [InlineData("rsa_three_primes_oaep_2048_sha1_mgf1sha1_test.json", "RSA_2048")]
    [InlineData("rsa_three_primes_oaep_4096_sha256_mgf1sha256_test.json", "RSA_4096")]
    public void Wycheproof_PrivateKeysOfThreePrimes_AreRefused(string file, string spec)
    {
        using var vectors = new WycheproofFile(file);
        foreach (var text in Keys(vectors)) Assert.Null(Import(Convert.FromHexString(text), spec));
    }

    private static List<string> Keys(WycheproofFile vectors)
    {
        List<string> keys = [.. vectors.Cases().Select(test => test.Group.GetProperty("privateKeyPkcs8").GetString()!).Distinct()];
        Assert.NotEmpty(keys);
        return keys;
    }

    private static byte[]? Import(byte[] material, string spec = "RSA_2048")
    {
        using var imported = SignaturePair.Of(spec).Import(KeyUsage.SignVerify, material);
        Assert.True(imported?.Secret is not null || imported is null);
        return imported?.Secret!.Span.ToArray();
    }

    private static bool ImportsPublic(byte[] publicKey)
    {
        using var imported = SignaturePair.Of("RSA_2048").Import(KeyUsage.SignVerify, publicKey);
        Assert.True(imported is null || (imported.Secret is null && imported.PublicPart!.AsSpan().SequenceEqual(publicKey)));
        return imported is not null;
    }

    private static byte[] PublicOf(byte[] material) => SignaturePair.Of("RSA_2048").PublicPart(material)!;

    private static void Attributes(AsnWriter writer)
    {
        using (writer.PushSetOf(new Asn1Tag(TagClass.ContextSpecific, 0)))
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier("2.5.29.15");
            using (writer.PushSetOf()) writer.WriteBitString([0x80]);
        }
    }

    /// <summary>The same structure with its length in a byte more, which DER forbids.</summary>
    private static byte[] Longer(byte[] der)
    {
        Assert.Equal(0x82, der[1]);
        return [der[0], 0x83, 0, .. der[2..]];
    }

    /// <summary>A key as the library made them: primes are k times a primorial, plus a power of 65537 modulo that.</summary>
    private static RsaNumbers Roca()
    {
        var primorial = BigInteger.One;
        for (var (number, count) = (2, 0); count < 126; number++)
        {
            if (Enumerable.Range(2, Math.Max(0, (int)Math.Sqrt(number) - 1)).Any(divisor => number % divisor == 0)) continue;
            primorial *= number;
            count++;
        }

        return RsaNumbers.From(Made(), Made());

        BigInteger Made()
        {
            // So that the two highest bits are set, and the product has its full length.
            var (low, room) = (((new BigInteger(3) << 1022) / primorial) + 1, (long)((BigInteger.One << 1022) / primorial) - 2);
            while (true)
            {
                var k = low + RandomNumberGenerator.GetInt32(int.MaxValue) % room;
                var candidate = (k * primorial) + BigInteger.ModPow(65537, RandomNumberGenerator.GetInt32(int.MaxValue), primorial);
                if (RsaNumbers.IsPrime(candidate)) return candidate;
            }
        }
    }
}
