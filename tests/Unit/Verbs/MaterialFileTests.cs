using System.Security.Cryptography;
using System.Text;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Material in files of other tools.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MaterialFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-material-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task PrivateKey_InEachForm_IsPkcs8()
    {
        using var rsa = RSA.Create(2048);
        Assert.Equal(rsa.ExportPkcs8PrivateKey(), await Read(rsa.ExportPkcs8PrivateKeyPem()));
        Assert.Equal(rsa.ExportPkcs8PrivateKey(), await Read(rsa.ExportRSAPrivateKeyPem()));
        Assert.Equal(rsa.ExportPkcs8PrivateKey(), await Read(rsa.ExportPkcs8PrivateKey()));
        Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), await Read(rsa.ExportSubjectPublicKeyInfoPem(), isOpen: true));
        Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), await Read(rsa.ExportRSAPublicKeyPem(), isOpen: true));
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal(ec.ExportECPrivateKey(), await Read("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + ec.ExportECPrivateKeyPem()));
        Assert.Equal(ec.ExportPkcs8PrivateKey(), await Read("a comment\n" + ec.ExportPkcs8PrivateKeyPem() + "\n"));
    }

    [Fact]
    public async Task BytesOfASymmetricKey_AreTakenAsTheyAre()
    {
        foreach (var material in (byte[][])[RandomNumberGenerator.GetBytes(32), "0123456789abcdef0123456789abcdef"u8.ToArray(), [0]]) Assert.Equal(material, await Read(material));
    }

    [Fact]
    public async Task KeyThatNeedsAPassphrase_IsRefused_WithTheCommandThatConvertsIt()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = ec.ExportEncryptedPkcs8PrivateKeyPem("x", new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1));
        Assert.Contains("openssl pkcs8", (await Assert.ThrowsAsync<VerbException>(() => Read(pem))).Line, StringComparison.Ordinal);
        await Assert.ThrowsAsync<VerbException>(() => Read("-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----"));
        await Assert.ThrowsAsync<VerbException>(() => Read("-----BEGIN RSA PRIVATE KEY-----\nAQ==\n-----END RSA PRIVATE KEY-----"));
    }

    [Fact]
    public async Task MaterialThatOthersRead_IsRefused()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Contains("Others may read", (await Assert.ThrowsAsync<VerbException>(() => Read(ec.ExportPkcs8PrivateKeyPem(), isOpen: true))).Line, StringComparison.Ordinal);
        Assert.Contains("Others may read", (await Assert.ThrowsAsync<VerbException>(() => Read(new byte[32], isOpen: true))).Line, StringComparison.Ordinal);
    }

    [Fact]
    public void Format_APairIsPem_AndBytesAreBytes()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal(ec.ExportPkcs8PrivateKeyPem() + "\n", Encoding.ASCII.GetString(MaterialFile.Format(ec.ExportPkcs8PrivateKey(), isDer: false)));
        Assert.Equal(ec.ExportPkcs8PrivateKey(), MaterialFile.Format(ec.ExportPkcs8PrivateKey(), isDer: true));
        byte[] symmetric = [0x30, 0x1e, .. new byte[30]];
        Assert.Equal(symmetric, MaterialFile.Format(symmetric, isDer: false));
    }

    private Task<byte[]> Read(string pem, bool isOpen = false) => Read(Encoding.ASCII.GetBytes(pem), isOpen);

    private async Task<byte[]> Read(byte[] content, bool isOpen = false)
    {
        var path = Path.Combine(_folder.FullName, "m");
        await File.WriteAllBytesAsync(path, content);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | (isOpen ? UnixFileMode.OtherRead : UnixFileMode.None));
        using var material = await MaterialFile.Read(new VerbContext(), path);
        return material.Span.ToArray();
    }
}
