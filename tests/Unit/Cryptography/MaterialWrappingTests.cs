using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>How material is wrapped on its way in and out.</summary>
public sealed class MaterialWrappingTests
{
    private static readonly RSA _rsa = RSA.Create(3072);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(138)]
    [InlineData(2375)]
    public void Wrap_Unwrap_IsTheSame_AndEachTimeAnother(int length)
    {
        var material = AlgorithmRegistry.Counting(length);
        var wrapped = MaterialWrapping.Wrap(_rsa, material);
        Assert.Equal(384 + 8 + ((length + 7) / 8 * 8), wrapped.Length);
        Assert.NotEqual(wrapped, MaterialWrapping.Wrap(_rsa, material));
        Assert.Equal(material, Unwrap(wrapped));
    }

    [Fact]
    public void Unwrap_AnyByteChanged_OrAnotherLength_IsNull()
    {
        var wrapped = MaterialWrapping.Wrap(_rsa, AlgorithmRegistry.Counting(32));
        for (var i = 0; i < wrapped.Length; i += i is > 8 and < 370 ? 19 : 1)
        {
            wrapped[i] ^= 0x40;
            Assert.Null(Unwrap(wrapped));
            wrapped[i] ^= 0x40;
        }

        Assert.NotNull(Unwrap(wrapped));
        for (var length = 0; length < wrapped.Length; length += length < 380 ? 97 : 1) Assert.Null(Unwrap(wrapped[..length]));
        Assert.Null(Unwrap([.. wrapped, 0]));
        Assert.Null(Unwrap([.. wrapped, .. new byte[8]]));
        Assert.Null(Unwrap([]));
        Assert.Null(Unwrap(new byte[16_384]));
        using var other = RSA.Create(3072);
        Assert.Null(MaterialWrapping.Unwrap(other, wrapped));
    }

    [Fact]
    public void Unwrap_AnotherPadding_OrAnotherKeyLength_IsNull()
    {
        foreach (var padding in (RSAEncryptionPadding[])[RSAEncryptionPadding.Pkcs1, RSAEncryptionPadding.OaepSHA1, RSAEncryptionPadding.OaepSHA384, RSAEncryptionPadding.OaepSHA512])
        {
            Assert.Null(Unwrap(Wrapped(padding, 32)));
        }

        Assert.NotNull(Unwrap(Wrapped(RSAEncryptionPadding.OaepSHA256, 32)));
        Assert.Null(Unwrap(Wrapped(RSAEncryptionPadding.OaepSHA256, 16)));
        Assert.Null(Unwrap(Wrapped(RSAEncryptionPadding.OaepSHA256, 24)));
    }

    /// <summary>Its keys of 256 bits; those of others are no keys here.</summary>
    [WycheproofFact]
    public void Wycheproof_AesKwp_EveryCase_IsAsItSays()
    {
        using var vectors = new WycheproofFile("aes_kwp_test.json");
        var taken = 0;
        foreach (var test in vectors.Cases())
        {
            var key = test.Bytes("key");
            var unwrapped = Unwrap([.. _rsa.Encrypt(key, RSAEncryptionPadding.OaepSHA256), .. test.Bytes("ct")]);

            // Acceptable is material of a few bytes, which no spec takes.
            if (key.Length == 32 && test.IsValid != false) Assert.True(unwrapped!.AsSpan().SequenceEqual(test.Bytes("msg")), test.ToString());
            else Assert.True(unwrapped is null, test.ToString());
            taken += unwrapped is null ? 0 : 1;
        }

        Assert.True(taken > 20, $"{taken} taken");
    }

    /// <summary>NIST's KWP_AE vectors are of other sizes; RFC 5649, 6 has keys of 192 bits. This is its padding with a key of ours.</summary>
    [WycheproofTheory]
    [InlineData("rsa_oaep_2048_sha256_mgf1sha256_test.json")]
    [InlineData("rsa_oaep_3072_sha256_mgf1sha256_test.json")]
    [InlineData("rsa_oaep_4096_sha256_mgf1sha256_test.json")]
    public void Wycheproof_Oaep_EveryCase_IsAsItSays_WhereItHoldsAKey(string file)
    {
        using var vectors = new WycheproofFile(file);
        var taken = 0;
        foreach (var test in vectors.Cases())
        {
            using var rsa = RSA.Create();
            rsa.ImportPkcs8PrivateKey(Convert.FromHexString(test.Group.GetProperty("privateKeyPkcs8").GetString()!), out _);
            var key = test.Bytes("msg");
            using var aes = Aes.Create();
            aes.Key = key.Length == 32 ? key : new byte[32];
            using var unwrapped = MaterialWrapping.Unwrap(rsa, [.. test.Bytes("ct"), .. aes.EncryptKeyWrapPadded("material"u8)]);
            var isKey = test.IsValid == true && key.Length == 32 && test.Test.GetProperty("label").GetString() is "";
            Assert.True(isKey == unwrapped is not null, test.ToString());
            taken += isKey ? 1 : 0;
        }

        Assert.True(taken > 0, "no message is as long as a key");
    }

    [Fact]
    public void WrappingKey_OfAnotherKindOrSize_IsRefused()
    {
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var small = RSA.Create(1024);
        using var least = RSA.Create(2048);
        var spki = least.ExportSubjectPublicKeyInfo();
        using var opened = WrappingKey.OpenPublic(spki);
        Assert.NotNull(opened);
        var numbers = RsaNumbers.New(2048);
        byte[][] refused =
        [
            [], small.ExportSubjectPublicKeyInfo(), p256.ExportSubjectPublicKeyInfo(), [.. spki, 0], spki[..^1], least.ExportRSAPublicKey(),
            least.ExportPkcs8PrivateKey(), (numbers with { N = numbers.N + 1 }).Spki(), (numbers with { E = 3 }).Spki(), (numbers with { E = 65538 }).Spki(),
            (numbers with { E = numbers.N - 2 }).Spki(), (numbers with { N = numbers.N << 8192 }).Spki(), numbers.Spki(oid: "1.2.840.113549.1.1.10"),
        ];
        for (var i = 0; i < refused.Length; i++)
        {
            using var key = WrappingKey.OpenPublic(refused[i]);
            Assert.True(key is null, $"case {i}");
        }
    }

    private static byte[]? Unwrap(byte[] wrapped)
    {
        using var unwrapped = MaterialWrapping.Unwrap(_rsa, wrapped);
        return unwrapped?.Span.ToArray();
    }

    private static byte[] Wrapped(RSAEncryptionPadding padding, int keyLength)
    {
        using var aes = Aes.Create();
        aes.Key = AlgorithmRegistry.Counting(keyLength);
        return [.. _rsa.Encrypt(aes.Key, padding), .. aes.EncryptKeyWrapPadded("material"u8)];
    }
}
