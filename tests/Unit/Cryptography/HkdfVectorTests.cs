using System.Globalization;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Derivation;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Published vectors of HKDF with SHA-256, and what the <c>openssl</c> command says.</summary>
public class HkdfVectorTests
{
    private const int MaxLength = 255 * 32;

    [Fact]
    public void Wycheproof_EveryCase_IsAsItSays()
    {
        using var vectors = new WycheproofFile("hkdf_sha256_test.json");
        foreach (var c in vectors.Cases())
        {
            var size = c.Test.GetProperty("size").GetInt32();
            var derived = new byte[size];
            if (size > MaxLength)
            {
                Assert.False(c.IsValid);
                Assert.Throws<ArgumentException>(() => Hkdf256Algorithm.Derive(c.Bytes("ikm"), c.Bytes("info"), c.Bytes("salt"), derived));
                continue;
            }

            Hkdf256Algorithm.Derive(c.Bytes("ikm"), c.Bytes("info"), c.Bytes("salt"), derived);
            Assert.True(c.IsValid == derived.SequenceEqual(c.Bytes("okm")), c.ToString());
        }
    }

    [Fact]
    public void Rfc5869_AppendixA_Holds()
    {
        using var vectors = new WycheproofFile("hkdf_sha256_test.json");
        var ofTheRfc = vectors.Cases().Where(c => c.Comment == "RFC 5869").ToList();
        Assert.Equal(3, ofTheRfc.Count);
        Assert.All(ofTheRfc, c =>
        {
            var derived = new byte[c.Bytes("okm").Length];
            Hkdf256Algorithm.Derive(c.Bytes("ikm"), c.Bytes("info"), c.Bytes("salt"), derived);
            Assert.Equal(c.Bytes("okm"), derived);
        });
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(32, 1)]
    [InlineData(1024, 64)]
    public async Task OpenSsl_DerivesTheSame(int bytes, int saltLength)
    {
        var (material, salt, context) = (RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(saltLength), RandomNumberGenerator.GetBytes(100));
        using var version = new Hkdf256Algorithm().Open(KeyUsage.Derive, "k", 1, material);
        var derived = new byte[bytes];
        version.Require<IDerives>().Derive(context, salt, derived);
        string[] salted = saltLength == 0 ? [] : ["-kdfopt", "hexsalt:" + Convert.ToHexString(salt)];
        Assert.Equal(await OpenSsl.Run([],
            ["kdf", "-keylen", bytes.ToString(CultureInfo.InvariantCulture), "-kdfopt", "digest:SHA256", "-kdfopt", "hexkey:" + Convert.ToHexString(material),
             "-kdfopt", "hexinfo:" + Convert.ToHexString(context), .. salted, "-binary", "HKDF"]), derived);
    }

    [Fact]
    public void Dispose_Twice_EndsTheKey()
    {
        var version = new Hkdf256Algorithm().Open(KeyUsage.Derive, "k", 1, new byte[32]).Require<IDerives>();
        version.Dispose();
        version.Dispose();
        Assert.Throws<ObjectDisposedException>(() => version.Derive([1], [], new byte[1]));
    }
}
