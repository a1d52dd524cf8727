namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Wycheproof's vectors of RSAES-OAEP. A label is not offered here, so what was encrypted with one is refused.</summary>
public sealed class OaepWycheproofTests
{
    [WycheproofTheory]
    [InlineData("rsa_oaep_2048_sha256_mgf1sha256_test.json", "RSA_2048", "RSAES_OAEP_SHA_256", 8)]
    [InlineData("rsa_oaep_2048_sha1_mgf1sha1_test.json", "RSA_2048", "RSAES_OAEP_SHA_1", 7)]
    [InlineData("rsa_oaep_3072_sha256_mgf1sha256_test.json", "RSA_3072", "RSAES_OAEP_SHA_256", 8)]
    [InlineData("rsa_oaep_4096_sha256_mgf1sha256_test.json", "RSA_4096", "RSAES_OAEP_SHA_256", 8)]
    public async Task EveryVector_IsJudgedAsItSays_ButForLabels(string file, string spec, string algorithm, int withLabel)
    {
        using var vectors = new WycheproofFile(file);
        var labels = 0;
        foreach (var test in vectors.Cases())
        {
            var material = Convert.FromHexString(test.Group.GetProperty("privateKeyPkcs8").GetString()!);
            Assert.True(EncryptionPair.Of(spec).Accepts(material));
            using var pair = EncryptionPair.From(spec, material);
            var hasLabel = test.Bytes("label").Length > 0;
            labels += hasLabel ? 1 : 0;
            var plaintext = await pair.Decrypt(algorithm, test.Bytes("ct"));
            Assert.True(plaintext is not null == (test.IsValid!.Value && !hasLabel), test.ToString());
            if (plaintext is null) continue;
            Assert.Equal(test.Bytes("msg"), plaintext);
            Assert.Equal(plaintext, await pair.Decrypt(algorithm, pair.Encrypt(algorithm, plaintext)));
        }

        Assert.Equal(withLabel, labels);
    }
}
