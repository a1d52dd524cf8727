using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansKms.Gateway.Access.Jwt;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Tests.Unit.Gateway.Jwt;

/// <summary>The fetching of keys, from a server that does as the test says.</summary>
public sealed class IssuerDocumentsTests : IAsyncLifetime, IDisposable
{
    private const string Keys = """{"keys":[]}""";

    private readonly string _directory = Directory.CreateTempSubdirectory("okms-test-").FullName;
    private readonly X509Certificate2 _certificate = NewCertificate();
    private readonly List<string> _asked = [];
    private Func<HttpContext, Task> _answer = _ => Task.CompletedTask;
    private WebApplication? _server;
    private string _http = "";
    private string _https = "";

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.Listen(IPAddress.Loopback, 0);
            server.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(_certificate));
        });
        _server = builder.Build();
        _server.Run(http =>
        {
            lock (_asked) _asked.Add($"{http.Request.Path} {http.Request.Headers.Authorization}".Trim());
            return _answer(http);
        });
        await _server.StartAsync();
        (_http, _https) = (_server.Urls.First(url => url.StartsWith("http:", StringComparison.Ordinal)), _server.Urls.First(url => url.StartsWith("https:", StringComparison.Ordinal)));
    }

    public async Task DisposeAsync() => await _server!.DisposeAsync();

    public void Dispose()
    {
        _certificate.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Discovery_NamesTheKeys_AndATokenIsShownToBoth()
    {
        Answer(("/conf", $$"""{"issuer":"https://issuer.example","jwks_uri":"{{_http}}/keys"}"""), ("/keys", Keys));
        Assert.Equal(Keys, await Read(Issuer("/conf") with { TokenFile = File("token", "secret\n") }));
        Assert.Equal(["/conf Bearer secret", "/keys Bearer secret"], _asked);
    }

    [Fact]
    public async Task Discovery_OfKeysOnAnotherServer_DoesNotGiveThemTheToken()
    {
        Answer(("/conf", $$"""{"issuer":"https://issuer.example","jwks_uri":"{{_https}}/keys"}"""), ("/keys", Keys));
        var issuer = Issuer("/conf") with { TokenFile = File("token", "secret"), AuthorityFile = File("ca.pem", _certificate.ExportCertificatePem()) };
        Assert.Equal(Keys, await Read(issuer));
        Assert.Equal(["/conf Bearer secret", "/keys"], _asked);
    }

    [Theory]
    [InlineData("https://localhost/keys")]
    [InlineData("https://127.1.2.3/keys")]
    [InlineData("http://[::1]:8080/keys")]
    public void Discovery_OnAnotherHost_DoesNotNameKeysOnThisOne(string keys)
    {
        var document = System.Text.Encoding.UTF8.GetBytes($$"""{"issuer":"https://issuer.example","jwks_uri":"{{keys}}"}""");
        Assert.Equal(new Uri(keys), IssuerDocuments.KeysIn(document, Issuer("/conf")));
        Assert.Throws<InvalidDataException>(() => IssuerDocuments.KeysIn(document, Issuer("/conf") with { Discovery = new("https://issuer.example/conf") }));
    }

    [Theory]
    [InlineData("""{"issuer":"https://other.example","jwks_uri":"HTTP/keys"}""")]
    [InlineData("""{"issuer":"https://issuer.example/","jwks_uri":"HTTP/keys"}""")]
    [InlineData("""{"jwks_uri":"HTTP/keys"}""")]
    [InlineData("""{"issuer":"https://issuer.example"}""")]
    [InlineData("""{"issuer":"https://issuer.example","jwks_uri":"/keys"}""")]
    [InlineData("""{"issuer":"https://issuer.example","jwks_uri":"http://issuer.example/keys"}""")]
    [InlineData("""{"issuer":"https://issuer.example","jwks_uri":"file:///etc/passwd"}""")]
    [InlineData("""{"issuer":"https://issuer.example","issuer":"https://other.example","jwks_uri":"HTTP/keys"}""")]
    [InlineData("[]")]
    [InlineData("<html>")]
    public async Task DiscoveryOfAnother_OrWithoutProtectedKeys_IsRefused(string document)
    {
        Answer(("/conf", document.Replace("HTTP", _http, StringComparison.Ordinal)), ("/keys", Keys));
        await Assert.ThrowsAsync<InvalidDataException>(() => Read(Issuer("/conf")));
        Assert.Equal(["/conf"], _asked);
    }

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        _answer = http =>
        {
            http.Response.Redirect(_http + "/keys");
            return Task.CompletedTask;
        };
        await Assert.ThrowsAsync<HttpRequestException>(() => Read(AtKeys(_http)));
        Assert.Equal(["/keys"], _asked);
    }

    [Fact]
    public async Task AnswerThatIsTooLong_IsRefused()
    {
        Answer(("/keys", new string(' ', IssuerKeySet.MaxBytes) + Keys));
        await Assert.ThrowsAsync<HttpRequestException>(() => Read(AtKeys(_http)));
        Answer(("/keys", new string(' ', IssuerKeySet.MaxBytes - Keys.Length) + Keys));
        Assert.EndsWith(Keys, await Read(AtKeys(_http)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerThatDoesNotAnswer_IsGivenUp()
    {
        _answer = http => Task.Delay(Timeout.Infinite, http.RequestAborted);
        using var patience = new CancellationTokenSource();
        var reading = IssuerDocuments.ReadKeys(AtKeys(_http), patience.Token);
        while (_asked.Count == 0) await Task.Delay(1);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task Server_IsTrustedByTheAuthorityThatIsNamed_AndNoOther()
    {
        Answer(("/keys", Keys));
        Assert.Equal(Keys, await Read(AtKeys(_https) with { AuthorityFile = File("ca.pem", _certificate.ExportCertificatePem()) }));
        using var other = NewCertificate();
        await Assert.ThrowsAsync<HttpRequestException>(() => Read(AtKeys(_https) with { AuthorityFile = File("other.pem", other.ExportCertificatePem()) }));
        await Assert.ThrowsAsync<HttpRequestException>(() => Read(AtKeys(_https)));
        // The right authority, and another host.
        var elsewhere = new UriBuilder(_https) { Host = "localhost", Path = "/keys" }.Uri;
        await Assert.ThrowsAsync<HttpRequestException>(
            () => Read(AtKeys(_https) with { KeyAddress = elsewhere, AuthorityFile = File("ca.pem", _certificate.ExportCertificatePem()) }));
        Assert.Equal(["/keys"], _asked);
    }

    [Fact]
    public async Task File_IsReadEachTime_AndMustBeShort()
    {
        var issuer = new JwtIssuer { Name = "spiffe://shop", Audiences = ["okms"], KeyFile = File("jwks", Keys) };
        Assert.Equal(Keys, await Read(issuer));
        File("jwks", "{}");
        Assert.Equal("{}", await Read(issuer));
        File("jwks", new string(' ', IssuerKeySet.MaxBytes + 1));
        await Assert.ThrowsAsync<InvalidDataException>(() => Read(issuer));
    }

    [Fact]
    public async Task TokenFileWithSomethingElse_IsNotSent()
    {
        Answer(("/keys", Keys));
        await Assert.ThrowsAsync<InvalidDataException>(() => Read(AtKeys(_http) with { TokenFile = File("token", "two words") }));
        Assert.Empty(_asked);
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test issuer", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private static async Task<string> Read(JwtIssuer issuer) =>
        System.Text.Encoding.UTF8.GetString(await IssuerDocuments.ReadKeys(issuer, CancellationToken.None));

    private JwtIssuer Issuer(string discovery) =>
        new() { Name = "https://issuer.example", Audiences = ["okms"], Discovery = new Uri(_http + discovery) };

    private static JwtIssuer AtKeys(string server) =>
        new() { Name = "https://issuer.example", Audiences = ["okms"], KeyAddress = new Uri(server + "/keys") };

    private void Answer(params (string Path, string Body)[] answers) => _answer = async http =>
    {
        var body = answers.First(answer => answer.Path == http.Request.Path).Body;
        await http.Response.WriteAsync(body);
    };

    private string File(string name, string content)
    {
        var path = Path.Combine(_directory, name);
        System.IO.File.WriteAllText(path, content);
        return path;
    }
}
