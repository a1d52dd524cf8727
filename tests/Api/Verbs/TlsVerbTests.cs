using System.Net;
using OrleansKms.Silo.Verbs;
using OrleansKms.Tests.Unit.Verbs;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>Verbs over TLS.</summary>
[Collection(TlsApiCollection.Name)]
public sealed class TlsVerbTests(TlsApi api)
{
    [Fact]
    public async Task Service_IsCheckedAgainstTheAuthoritiesThatAreNamed()
    {
        Assert.Equal("admin", (string?)(await Shell(("OKMS_TOKEN", api.Token)).Run("whoami", "--json", "--ca-file", api.ServerAuthority)).Is(0).Json["principal"]);
        foreach (var arguments in (string[][])[["whoami"], ["whoami", "--ca-file", api.Clients.Authority]])
        {
            var line = (await Shell(("OKMS_TOKEN", api.Token)).Run(arguments)).Fails(ExitCode.Unreachable);
            Assert.Contains("has no certificate that is trusted here", line, StringComparison.Ordinal);
            Assert.Contains("--ca-file", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Certificate_SignsIn_WithoutAToken()
    {
        var name = Api.NewId();
        (await api.Post("/v1/principals", new { name, policies = new[] { "key-user" }, certificates = new[] { $"spiffe://shop/{name}" } })).Is(HttpStatusCode.Created);
        var files = api.Clients.Sign(name, [$"spiffe://shop/{name}"]);
        var shell = Shell(("OKMS_CA_FILE", api.ServerAuthority), ("OKMS_CLIENT_CERTIFICATE_FILE", files.CertificateFile), ("OKMS_CLIENT_KEY_FILE", files.KeyFile));
        Assert.Equal(name, (string?)(await shell.Run("whoami", "--json")).Is(0).Json["principal"]);
    }

    private VerbShell Shell(params (string, string?)[] variables) =>
        new(Path.GetTempPath(), [("OKMS_URL", string.Create(null, $"https://127.0.0.1:{api.TlsPort}")), .. variables]);
}
