namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Wycheproof's vectors of the AEADs that come from BouncyCastle.</summary>
public class AeadWycheproofTests
{
    [Theory]
    [InlineData("AES_256_GCM_SIV", "aes_gcm_siv_test.json", 103)]
    [InlineData("XCHACHA20_POLY1305", "xchacha20_poly1305_test.json", 306)]
    public void EveryCase_IsAsItSays(string spec, string file, int ofThisSpec)
    {
        var algorithm = AlgorithmRegistry.Aead(spec);
        using var vectors = new WycheproofFile(file);
        var tried = 0;
        foreach (var c in vectors.Cases())
        {
            if (c.Bytes("key").Length != algorithm.MaterialLength)
            {
                // Of a key of another length, which is no material of this spec.
                Assert.Throws<ArgumentException>("material", () => algorithm.OpenKey(c.Bytes("key")));
            }
            else if (c.Bytes("iv").Length != algorithm.NonceLength)
            {
                Assert.False(c.IsValid);
                AssertNonceIsRefused(spec, c);
            }
            else
            {
                AssertIsAsItSays(spec, c);
                tried++;
            }
        }

        Assert.Equal(ofThisSpec, tried);
    }

    // All of appendix C.2, and C.3, where the counter wraps.
    [Fact]
    public void Rfc8452_AppendixC_Holds()
    {
        using var vectors = new WycheproofFile("aes_gcm_siv_test.json");
        var ofTheRfc = vectors.Cases().Where(c => c.Comment == "RFC 8452" && c.Bytes("key").Length == 32).ToList();
        Assert.Equal(26, ofTheRfc.Count);
        Assert.All(ofTheRfc, c =>
        {
            Assert.True(c.IsValid);
            AssertIsAsItSays("AES_256_GCM_SIV", c);
        });
    }

    private static void AssertIsAsItSays(string spec, WycheproofCase c)
    {
        using var key = AlgorithmRegistry.Aead(spec).OpenKey(c.Bytes("key"));
        var (ciphertext, plaintext) = (c.Bytes("ct"), new byte[c.Bytes("ct").Length]);
        Assert.True(c.IsValid == key.TryDecrypt(c.Bytes("iv"), ciphertext, c.Bytes("tag"), plaintext, c.Bytes("aad")), c.ToString());
        Assert.Equal(c.IsValid == true ? c.Bytes("msg") : new byte[ciphertext.Length], plaintext);
        if (c.IsValid == true)
        {
            var (made, tag) = (new byte[ciphertext.Length], new byte[16]);
            key.Encrypt(c.Bytes("iv"), c.Bytes("msg"), made, tag, c.Bytes("aad"));
            Assert.True(made.SequenceEqual(ciphertext) && tag.SequenceEqual(c.Bytes("tag")), c.ToString());
        }
    }

    private static void AssertNonceIsRefused(string spec, WycheproofCase c)
    {
        using var key = AlgorithmRegistry.Aead(spec).OpenKey(c.Bytes("key"));
        Assert.Throws<ArgumentException>(() => key.TryDecrypt(
            c.Bytes("iv"), c.Bytes("ct"), c.Bytes("tag"), new byte[c.Bytes("ct").Length], c.Bytes("aad")));
        Assert.Throws<ArgumentException>(() => key.Encrypt(
            c.Bytes("iv"), c.Bytes("msg"), new byte[c.Bytes("msg").Length], new byte[16], c.Bytes("aad")));
    }
}
