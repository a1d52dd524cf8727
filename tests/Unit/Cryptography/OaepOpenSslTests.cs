using System.Security.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>RSAES-OAEP against the command <c>openssl</c>, both ways: we decrypt what it encrypts, and it, with a key of its own, what we encrypt.</summary>
public sealed class OaepOpenSslTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-oaep-");

    [Theory]
    [InlineData("RSA_2048", "RSAES_OAEP_SHA_256", "sha256")]
    [InlineData("RSA_2048", "RSAES_OAEP_SHA_1", "sha1")]
    [InlineData("RSA_3072", "RSAES_OAEP_SHA_256", "sha256")]
    public async Task OpenSsl_AndWe_DecryptWhatTheOtherEncrypts(string spec, string algorithm, string hash)
    {
        var (key, der) = (Path.Combine(_folder.FullName, "key.pem"), Path.Combine(_folder.FullName, "key.der"));
        await OpenSsl.Run([], "genpkey", "-algorithm", "RSA", "-pkeyopt", $"rsa_keygen_bits:{spec[4..]}", "-out", key);
        await OpenSsl.Run([], "pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER", "-out", der);
        using var pair = EncryptionPair.From(spec, await File.ReadAllBytesAsync(der));
        var plaintext = RandomNumberGenerator.GetBytes(97);
        string[] oaep = ["-inkey", key, "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", $"rsa_oaep_md:{hash}", "-pkeyopt", $"rsa_mgf1_md:{hash}"];
        Assert.Equal(plaintext, await pair.Decrypt(algorithm, await OpenSsl.Run(plaintext, ["pkeyutl", "-encrypt", .. oaep])));
        Assert.Equal(plaintext, await OpenSsl.Run(pair.Encrypt(algorithm, plaintext), ["pkeyutl", "-decrypt", .. oaep]));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
