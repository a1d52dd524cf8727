using Microsoft.Extensions.Hosting;
using OrleansKms.Silo.Clustering;
using OrleansKms.Transport;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Files with which no process starts; each is named in one line.</summary>
public sealed class TlsStartTests : IDisposable
{
    private readonly Certificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public void EveryKindOfCertificateOfTheScript_IsTaken()
    {
        Read(_certificates.Silo("silo"), CertificateRole.Silo);
        Read(_certificates.Gateway("gateway"), CertificateRole.Silo | CertificateRole.Client);
        Read(_certificates.Client("client"), CertificateRole.Silo | CertificateRole.Client);
    }

    [Fact]
    public void FileThatIsMissingOrEmptyOrNoPem_IsRefused()
    {
        var files = _certificates.Silo("silo");
        Refused(files with { KeyFile = "/nowhere/silo.key" }, "OKMS_TLS_KEY: the private key file /nowhere/silo.key cannot be read");
        Refused(files with { CertificateFile = "/nowhere" }, "OKMS_TLS_CERT: the certificate file /nowhere cannot be read");
        Refused(files with { AuthorityFile = "/nowhere" }, "OKMS_TLS_CA: the certificate authority file /nowhere cannot be read");
        Refused(files with { AuthorityFile = _certificates.Directory }, "OKMS_TLS_CA");
        Refused(_certificates.Write("empty", "", File.ReadAllText(files.KeyFile)), "OKMS_TLS_CERT", "is empty");
        Refused(_certificates.Write("nonsense", "nonsense", File.ReadAllText(files.KeyFile)), "OKMS_TLS_CERT", "holds no certificate");
        Refused(_certificates.Write("no-key", File.ReadAllText(files.CertificateFile), "nonsense"), "OKMS_TLS_KEY", "holds no unencrypted key");
    }

    [Fact]
    public void KeyOfAnotherCertificate_IsRefused()
    {
        var (one, other) = (_certificates.Silo("one"), _certificates.Silo("other"));
        Refused(one with { KeyFile = other.KeyFile }, "OKMS_TLS_KEY", other.KeyFile, "belongs to the certificate");
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void KeyThatIsOpenToOthers_IsRefused(UnixFileMode mode)
    {
        var files = _certificates.Silo("silo");
        File.SetUnixFileMode(files.KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | mode);
        Refused(files, "OKMS_TLS_KEY", $"chmod 600 {files.KeyFile}");
    }

    [Fact]
    public void KeyBehindALink_IsJudgedByItself()
    {
        var files = _certificates.Silo("silo");
        var link = Path.Combine(_certificates.Directory, "link.key");
        File.CreateSymbolicLink(link, files.KeyFile);
        Read(files with { KeyFile = link }, CertificateRole.Silo);
        File.SetUnixFileMode(files.KeyFile, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Refused(files with { KeyFile = link }, "OKMS_TLS_KEY");
    }

    [Fact]
    public void CertificateThatOthersWouldRefuse_IsRefused()
    {
        var silo = new[] { "okms:silo" };
        Refused(
            _certificates.Sign("expired", silo, validFrom: TimeSpan.FromDays(-2), validFor: TimeSpan.FromDays(2) - TimeSpan.FromSeconds(1)),
            "OKMS_TLS_CERT", "expired at");
        Refused(_certificates.Sign("early", silo, validFrom: TimeSpan.FromHours(1)), "OKMS_TLS_CERT", "not valid before");
        Refused(_certificates.Sign("none", []), "OKMS_TLS_CERT", "without the role okms:silo");
        Refused(_certificates.Client("client"), "OKMS_TLS_CERT", "without the role okms:silo");
        Refused(_certificates.Sign("client-only", silo, [Certificates.ClientUsage]), "OKMS_TLS_CERT", "serverAuth");
        Refused(_certificates.Sign("server-only", silo, [Certificates.ServerUsage]), "OKMS_TLS_CERT", "clientAuth");
        using var others = new Certificates();
        Refused(others.Silo("silo") with { AuthorityFile = _certificates.Authority }, "OKMS_TLS_CERT", "does not come from an authority");
        Refused(_certificates.SelfSign("self", "okms:silo"), "OKMS_TLS_CERT", "does not come from an authority");
    }

    [Fact]
    public void AuthorityThatIsNone_OrIncomplete_IsRefused()
    {
        var files = _certificates.Silo("silo");
        Refused(files with { AuthorityFile = files.CertificateFile }, "OKMS_TLS_CA", "not an authority's", "CN=silo");
        var authority = File.ReadAllText(files.AuthorityFile);
        var half = Path.Combine(_certificates.Directory, "half.pem");
        File.WriteAllText(half, authority + authority[..(authority.Length / 2)]);
        Refused(files with { AuthorityFile = half }, "OKMS_TLS_CA", "is incomplete");
    }

    [Fact]
    public void SiloAndClient_AreRefusedBeforeTheyAreBuilt()
    {
        var missing = new MutualTlsFiles("/nowhere/ca.pem", "/nowhere/silo.pem", "/nowhere/silo.key");
        Assert.Throws<StartRefusedException>(() => Host.CreateApplicationBuilder().UseOrleans(silo => silo.UseMutualTls(missing)));
        Assert.Throws<StartRefusedException>(() => Host.CreateApplicationBuilder().UseOrleansClient(client => client.UseMutualTls(missing)));
        Assert.Throws<StartRefusedException>(() =>
            Host.CreateApplicationBuilder().UseOrleans(silo => silo.UseMutualTls(_certificates.Gateway("gateway"))));
    }

    [Theory]
    [InlineData("okms:silo", CertificateRole.Silo)]
    [InlineData("okms:client", CertificateRole.Client)]
    [InlineData("okms:silo okms:client", CertificateRole.Silo | CertificateRole.Client)]
    [InlineData("https://example.org/ okms:client", CertificateRole.Client)]
    [InlineData("okms:silo2", CertificateRole.None)]
    [InlineData("okms:silo/client", CertificateRole.None)]
    [InlineData("https://example.org/okms:silo", CertificateRole.None)]
    internal void Role_IsAUriAndNothingElse(string uris, CertificateRole role)
    {
        // Host and common name are chosen to mislead.
        var files = _certificates.Sign("okms:silo", uris.Split(' '), hosts: ["okms-silo"]);
        using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(files.CertificateFile);
        Assert.Equal(role, CertificateRoles.Of(certificate));
    }

    private static void Read(MutualTlsFiles files, CertificateRole role) => TlsIdentitySource.Read(files, role, TimeProvider.System);

    private static void Refused(MutualTlsFiles files, params string[] parts)
    {
        var refusal = Assert.Throws<StartRefusedException>(() => Read(files, CertificateRole.Silo));
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.All(parts, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        Assert.DoesNotContain("PRIVATE KEY-----", refusal.ToString(), StringComparison.Ordinal);
    }
}
