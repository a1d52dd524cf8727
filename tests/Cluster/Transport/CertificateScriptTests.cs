using System.Security.Cryptography.X509Certificates;
using OrleansKms.Transport;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>deploy/certs.sh, apart from what it makes being used in every test here.</summary>
public sealed class CertificateScriptTests : IDisposable
{
    private readonly Certificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public void Authority_IsNeverOverwritten()
    {
        var before = File.ReadAllBytes(_certificates.Authority);
        var (code, _, errors) = _certificates.Run("ca");
        Assert.Equal(1, code);
        Assert.Contains("not overwritten", errors, StringComparison.Ordinal);
        File.Delete(_certificates.Authority);
        Assert.Equal(1, _certificates.Run("ca").Code);
        Assert.NotEmpty(before);
    }

    [Fact]
    public void Keys_AreTheOwnersOnly_AndNothingElseIsLeft()
    {
        _certificates.Silo("silo");
        var files = Directory.GetFileSystemEntries(_certificates.Directory).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["ca.key", "ca.pem", "silo.key", "silo.pem"], files);
        Assert.All(Directory.GetFiles(_certificates.Directory, "*.key"), key =>
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key)));
    }

    [Theory]
    [InlineData(null, 90)]
    [InlineData("7", 7)]
    public void Certificate_IsShortLived(string? days, int expected)
    {
        Assert.Equal(0, _certificates.Run([.. days is null ? [] : new[] { "--days", days }, "gateway", "gateway", "gw.example.org", "10.0.0.7", "::1"]).Code);
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(_certificates.Files("gateway").CertificateFile);
        Assert.Equal(expected, (certificate.NotAfter - certificate.NotBefore).Days);
        Assert.Equal("1.2.840.10045.2.1", certificate.PublicKey.Oid.Value);
        var names = Assert.Single(certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>());
        Assert.Equal(["gw.example.org"], names.EnumerateDnsNames());
        Assert.Equal(["10.0.0.7", "::1"], names.EnumerateIPAddresses().Select(address => address.ToString()));
    }

    [Fact]
    public void UsersCertificate_HasItsNames_AndNoRole()
    {
        _certificates.Made("user", "cards", "spiffe://shop/cards", "cards.shop.example");
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(_certificates.Files("cards").CertificateFile);
        Assert.Equal(["spiffe://shop/cards", "cards.shop.example"], CertificateName.Of(certificate));
        Assert.Equal(CertificateRole.None, CertificateRoles.Of(certificate));
        Assert.True(PeerCheck.AllowsUsage(certificate, PeerCheck.ClientAuthentication));
        Assert.False(PeerCheck.AllowsUsage(certificate, PeerCheck.ServerAuthentication));
    }

    [Fact]
    public void Certificate_IsReplacedByANewKey()
    {
        var before = File.ReadAllBytes(_certificates.Silo("silo").KeyFile);
        Assert.NotEqual(before, File.ReadAllBytes(_certificates.Silo("silo").KeyFile));
    }

    [Theory]
    [InlineData]
    [InlineData("nothing")]
    [InlineData("silo")]
    [InlineData("silo", "ca")]
    [InlineData("silo", "../silo")]
    [InlineData("silo", "silo", "bad_host")]
    [InlineData("silo", "silo", "DNS:x,URI:okms:client")]
    [InlineData("client", "client", "x\nsubjectAltName=URI:okms:silo")]
    [InlineData("user", "user")]
    [InlineData("user", "user", "okms:silo")]
    [InlineData("user", "user", "spiffe://x,URI:okms:client")]
    [InlineData("user", "user", "Upper.example")]
    [InlineData("--days", "0", "silo", "silo")]
    [InlineData("--days", "x", "silo", "silo")]
    [InlineData("--unknown", "silo", "silo")]
    public void Misuse_IsExplained(params string[] arguments)
    {
        var (code, output, errors) = _certificates.Run(arguments);
        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.Contains("usage:", errors, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFileSystemEntries(_certificates.Directory).Length);
    }
}
