using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>Settings with which nobody could sign in by certificate, or not as the operator thinks.</summary>
public sealed class ClientCertificateSettingsTests : IDisposable
{
    private const string Https = "Kestrel:Endpoints:Https:Url";

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void AuthoritiesAndAListenerForHttps_AreWhatItTakes()
    {
        File.WriteAllText(_file, Certificate(isAuthority: true) + Certificate(isAuthority: true));
        Check((Https, "https://*:8443"), ("Kestrel:Endpoints:Http:Url", "http://localhost:8080"));
    }

    [Theory]
    [InlineData("", "holds no certificate")]
    [InlineData("no PEM", "holds no certificate")]
    [InlineData("leaf", "not an authority's")]
    [InlineData("half", "is incomplete")]
    public void FileWithoutAuthorities_IsRefused(string content, string problem)
    {
        var authority = Certificate(isAuthority: true);
        File.WriteAllText(_file, content switch { "leaf" => Certificate(isAuthority: false), "half" => authority + authority[..^40], _ => content });
        Assert.Contains(problem, Refused((Https, "https://*:8443")), StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFile_IsRefused()
    {
        File.Delete(_file);
        Assert.Contains("is missing or cannot be read", Refused((Https, "https://*:8443")), StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutHttps_OrWithKestrelsOwnCheck_IsRefused()
    {
        File.WriteAllText(_file, Certificate(isAuthority: true));
        Assert.Contains("needs a listener for HTTPS", Refused(), StringComparison.Ordinal);
        Assert.Contains("needs a listener for HTTPS", Refused((Https, "http://*:8443")), StringComparison.Ordinal);
        foreach (var mode in (string[])["Kestrel:EndpointDefaults:ClientCertificateMode", "Kestrel:Endpoints:Https:ClientCertificateMode", "Kestrel:Endpoints:Https:Sni:a:ClientCertificateMode"])
        {
            Assert.Contains(mode.Replace(":", "__", StringComparison.Ordinal), Refused((Https, "https://*:8443"), (mode, "AllowCertificate")), StringComparison.Ordinal);
        }
    }

    private string Refused(params (string, string)[] settings)
    {
        var refusal = Assert.Throws<SettingException>(() => Check(settings));
        Assert.Equal("OKMS_CLIENT_CA_FILE", refusal.Name);
        return refusal.Message;
    }

    private void Check(params (string Name, string Value)[] settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings.Append(("OKMS_CLIENT_CA_FILE", _file)).Select(setting => KeyValuePair.Create(setting.Item1, (string?)setting.Item2)));
        ClientCertificates.Check(configuration, HttpSettings.Read(new SettingsReader(configuration, SettingTaker.SiloAndGateway)));
    }

    private static string Certificate(bool isAuthority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.ExportCertificatePem() + "\n";
    }
}
