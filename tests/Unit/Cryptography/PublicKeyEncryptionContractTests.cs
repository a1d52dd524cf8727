using System.Security.Cryptography;
using System.Text;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>What every way to encrypt with a public key does, whichever it is.</summary>
public sealed class PublicKeyEncryptionContractTests
{
    private static readonly byte[] _plaintext = "for whoever has the private key"u8.ToArray();

    public static TheoryData<string, string> Schemes
    {
        get
        {
            var schemes = new TheoryData<string, string>();
            foreach (var (spec, algorithm, _, _) in AlgorithmRegistry.PublicKeyEncryptions) schemes.Add(spec, algorithm);
            return schemes;
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task Plaintext_OfAnyLength_IsDecryptedByThePrivatePart_AndByNoOther(string spec, string algorithm)
    {
        using var pair = await EncryptionPair.Make(spec);
        using var other = await EncryptionPair.Make(spec, 2);
        var scheme = IScheme.Named(pair.Public.Schemes, algorithm);
        var max = AlgorithmRegistry.PublicKeyEncryptions.Single(r => (r.Spec, r.Algorithm) == (spec, algorithm)).MaxPlaintext;
        Assert.Equal(max, pair.Public.MaxPlaintextLength(scheme));
        foreach (var length in (int[])[0, 1, 31, 67, max])
        {
            var plaintext = RandomNumberGenerator.GetBytes(length);
            var ciphertext = pair.Encrypt(algorithm, plaintext);
            Assert.Equal(pair.Private.CiphertextLength, ciphertext.Length);
            Assert.Equal(plaintext, await pair.Decrypt(algorithm, ciphertext));
            Assert.NotEqual(ciphertext, pair.Encrypt(algorithm, plaintext));
            Assert.Null(await other.Decrypt(algorithm, ciphertext));
            foreach (var another in pair.Private.Schemes.Where(s => s.Name != algorithm)) Assert.Null(await pair.Decrypt(another.Name, ciphertext));
        }

        Assert.ThrowsAny<CryptographicException>(() => pair.Encrypt(algorithm, new byte[max + 1]));
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task AnyByteOfTheCiphertext_Changed_IsRefused(string spec, string algorithm)
    {
        using var pair = await EncryptionPair.Make(spec);
        var ciphertext = pair.EncryptWithHeader(algorithm, _plaintext);
        Assert.Equal(_plaintext, await pair.DecryptWithHeader(ciphertext));
        var header = 7 + EncryptionPair.Id.Length;
        for (var i = 0; i < ciphertext.Length; i += i < header || spec == "RSA_2048" ? 1 : 31)
        {
            // Every value of a byte of the header, where one could be another key's or kind's; one bit of the rest.
            foreach (var changed in i < header ? Enumerable.Range(1, 255) : [1 << (i % 8)])
            {
                ciphertext[i] ^= (byte)changed;
                Assert.True(await pair.DecryptWithHeader(ciphertext) is null, $"byte {i} changed by {changed}");
                ciphertext[i] ^= (byte)changed;
            }
        }

        Assert.Equal(_plaintext, await pair.DecryptWithHeader(ciphertext));
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task WhatIsNoCiphertext_IsRefused_AndNeverThrows(string spec, string algorithm)
    {
        using var pair = await EncryptionPair.Make(spec);
        var bare = pair.Encrypt(algorithm, _plaintext);
        var whole = pair.EncryptWithHeader(algorithm, _plaintext);
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(pair.PublicPart, out _);
        var modulus = rsa.ExportParameters(includePrivateParameters: false).Modulus!;
        byte[][] wrong =
        [
            [], [0], [1], new byte[bare.Length], [.. Enumerable.Repeat((byte)0xff, bare.Length)], modulus, bare[1..], bare[..^1], [.. bare, 0],
            [0, .. bare], new byte[65536], whole, Encoding.ASCII.GetBytes(PemEncoding.WriteString("CIPHERTEXT", bare)),
            rsa.Encrypt(_plaintext, RSAEncryptionPadding.Pkcs1), rsa.Encrypt(_plaintext, RSAEncryptionPadding.OaepSHA384),
        ];
        foreach (var bytes in wrong) Assert.Null(await pair.Decrypt(algorithm, bytes));
        foreach (var bytes in (byte[][])[[], bare, whole[1..], whole[..^1], [.. whole, 0], [.. whole, .. whole], whole[..24]])
        {
            Assert.Null(await pair.DecryptWithHeader(bytes));
        }
    }

    [Theory]
    [InlineData("RSAES_OAEP_SHA_256")]
    [InlineData("RSAES_OAEP_SHA_1")]
    public async Task Golden_Decrypts_AndItsHeaderIsThatOfTheFormat(string algorithm)
    {
        using var pair = EncryptionPair.From("RSA_2048", Convert.FromHexString(GoldenRsaCiphertexts.Material), GoldenRsaCiphertexts.Version);
        var golden = Convert.FromHexString(GoldenRsaCiphertexts.Rows[algorithm]);
        Assert.Equal(GoldenRsaCiphertexts.KeyId, EncryptionPair.Id);
        Assert.Equal(GoldenRsaCiphertexts.Plaintext, Encoding.ASCII.GetString((await pair.DecryptWithHeader(golden))!));
        Assert.Equal(golden[..24], pair.EncryptWithHeader(algorithm, _plaintext)[..24]);
        Assert.Equal(AlgorithmRegistry.PublicKeyEncryptions.Where(r => r.Spec == "RSA_2048").Select(r => r.Algorithm), GoldenRsaCiphertexts.Rows.Keys);
    }

    [Fact]
    public async Task Algorithm_ThatIsNone_IsRefused_AndTheFirstIsTheDefault()
    {
        using var pair = await EncryptionPair.Make("RSA_2048");
        Assert.Equal("RSAES_OAEP_SHA_256", IScheme.Named(pair.Public.Schemes, null).Name);
        foreach (var name in (string[])["", "RSA_OAEP", "rsaes_oaep_sha_1", "RSAES_OAEP_SHA_512", "RSAES_PKCS1_V1_5", "RSASSA_PSS_SHA_256"])
        {
            var refusal = Assert.Throws<KmsException>(() => IScheme.Named(pair.Public.Schemes, name));
            Assert.Equal("unsupported_algorithm", refusal.Code);
            Assert.Equal("The algorithms of this key are: RSAES_OAEP_SHA_256, RSAES_OAEP_SHA_1.", refusal.Message);
        }
    }

    [Fact]
    public async Task PublicPart_OnlyEncrypts_AndMoreOfItIsRefused()
    {
        var algorithm = EncryptionPair.Of("RSA_2048");
        using var pair = await EncryptionPair.Make("RSA_2048");
        Assert.Throws<KmsException>(() => pair.Public.Require<IDecryptsByPrivateKey>());
        Assert.Throws<KmsException>(() => pair.Private.Require<IEncryptsByPublicKey>());
        Assert.Throws<KmsException>(() => pair.Private.Require<ISigns>());
        Assert.Throws<KmsException>(() => pair.Public.Require<IVerifies>());
        foreach (var bad in (byte[][])[[], pair.PublicPart[1..], pair.PublicPart[..^1], [.. pair.PublicPart, 0]])
        {
            Assert.ThrowsAny<CryptographicException>(() => algorithm.OpenPublic(KeyUsage.EncryptDecrypt, 1, bad));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => algorithm.OpenPublic(KeyUsage.EncryptDecrypt, 0, pair.PublicPart));
        Assert.Equal((5, 6), (algorithm.SinceLevel(KeyUsage.SignVerify), algorithm.SinceLevel(KeyUsage.EncryptDecrypt)));
    }
}
