using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Tests.Unit.Gateway.Jwt;

/// <summary>The setting that names issuers.</summary>
public sealed partial class JwtIssuerTextTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("okms-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void NotSet_IsNobody() => Assert.Empty(JwtIssuerText.Read(new SettingsReader(new ConfigurationManager(), SettingTaker.SiloAndGateway)));

    [Fact]
    public void IssuerAndAudience_AreEnough()
    {
        var issuer = Assert.Single(Read("https://issuer.example/realms/a/ audience=okms"));
        Assert.Equal(("https://issuer.example/realms/a/", "okms"), (issuer.Name, Assert.Single(issuer.Audiences)));
        Assert.Equal("https://issuer.example/realms/a/.well-known/openid-configuration", issuer.Discovery?.AbsoluteUri);
        Assert.Equal(["RS256", "PS256", "ES256"], issuer.Algorithms);
        Assert.Equal(TimeSpan.FromSeconds(30), issuer.Skew);
    }

    [Fact]
    public void EveryField_IsRead()
    {
        var file = File("jwks.json");
        var issuers = Read($"""
            https://a.example audience=x,y algorithms=ES256,RS512 skew=PT1M discovery=https://b.example/conf ca={file} bearer={file};
            spiffe://shop audience=okms jwks={file}
            https://c.example audience=okms jwks=https://c.example/keys ca={file}; http://127.0.0.1:1234 audience=okms
            """);
        Assert.Equal(["https://a.example", "spiffe://shop", "https://c.example", "http://127.0.0.1:1234"], issuers.Select(issuer => issuer.Name));
        var first = issuers[0];
        Assert.Equal(("x y", "ES256 RS512", TimeSpan.FromMinutes(1)), (string.Join(' ', first.Audiences), string.Join(' ', first.Algorithms), first.Skew));
        Assert.Equal(("https://b.example/conf", file, file), (first.Discovery?.AbsoluteUri, first.AuthorityFile, first.TokenFile));
        Assert.Equal((file, null, null), (issuers[1].KeyFile, issuers[1].Discovery, issuers[1].KeyAddress));
        Assert.Equal(("https://c.example/keys", null, null), (issuers[2].KeyAddress?.AbsoluteUri, issuers[2].KeyFile, issuers[2].Discovery));
    }

    [Fact]
    public void Path_IsThatOfAFileWithTheSame()
    {
        var path = File("issuers", "# the cluster\nhttps://a.example audience=x\n\n  https://b.example audience=y  \n");
        Assert.Equal(["https://a.example", "https://b.example"], Read(path).Select(issuer => issuer.Name));
    }

    [Theory]
    [InlineData("https://a.example algorithms=RS256", "has no audience= for https://a.example")]
    [InlineData("https://a.example audience=x,", "has an empty entry in audience=")]
    [InlineData("https://a.example audience=x algorithms=HS256", "has an algorithm other than RS256")]
    [InlineData("https://a.example audience=x algorithms=none", "has an algorithm other than RS256")]
    [InlineData("https://a.example audience=x algorithms=RS256,EdDSA", "has an algorithm other than RS256")]
    [InlineData("https://a.example audience=x algorithms=rs256", "has an algorithm other than RS256")]
    [InlineData("https://a.example audience=x skew=PT5M1S", "has a skew= that is not PT0S to PT5M")]
    [InlineData("https://a.example audience=x skew=30", "has a skew= that is not PT0S to PT5M")]
    [InlineData("http://a.example audience=x", "has an address that is not https: http://a.example")]
    [InlineData("https://a.example audience=x discovery=http://a.example/conf", "has an address that is not https: http://a.example/conf")]
    [InlineData("https://a.example audience=x discovery=https://u:p@a.example/conf", "has an address that is not https")]
    [InlineData("https://a.example audience=x jwks=http://a.example/jwks", "has an address that is not https")]
    [InlineData("https://a.example audience=x jwks=https://b.example discovery=https://c.example", "has jwks= and discovery= for https://a.example")]
    [InlineData("https://a.example audience=x jwks=/no/such/file", "names a file that is missing or cannot be read: /no/such/file")]
    [InlineData("https://a.example audience=x ca=/no/such/file", "names a file that is missing or cannot be read: /no/such/file")]
    [InlineData("spiffe://shop audience=x", "has an address that is not https: spiffe://shop/.well-known/openid-configuration. An issuer without one needs jwks=.")]
    [InlineData("https://a.example audience=x audience=y", "has the field audience twice")]
    [InlineData("https://a.example audience=x colour=red", "has an unknown field: colour.")]
    [InlineData("https://a.example audience=x https://b.example audience=y", "has https://b.example, which is not a field")]
    [InlineData("https://a.example audience=x; https://a.example audience=y", "names https://a.example twice.")]
    [InlineData("/no/such/file", "names neither an issuer with its audience= nor a file that can be read: /no/such/file")]
    [InlineData("# nobody", "must name 1 to 32 issuers.")]
    public void WhatIsWrong_IsNamed(string text, string problem)
    {
        var refused = Assert.Throws<SettingException>(() => Read(text));
        Assert.StartsWith("OKMS_JWT_ISSUERS " + problem, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Those of Kubernetes and of CI systems in deploy/ACCESS.md, each as an operator would copy it.</summary>
    [Fact]
    public void IssuersInThePage_AreTaken()
    {
        var page = System.IO.File.ReadAllText(Path.Combine(Contracts.DocumentsTests.Root, "deploy", "ACCESS.md"));

        // YAML folds its lines.
        var manifest = Manifest().Match(page).Groups["issuer"].Value.ReplaceLineEndings(" ");
        string[] texts =
        [
            Regex.Replace(manifest, @"/run/okms/issuer/(ca\.crt|token)", found => File(Path.GetFileName(found.Value))),
            .. Export().Matches(page).Select(found => found.Groups["issuer"].Value),
            .. Inline().Matches(page).Select(found => found.Groups["issuer"].Value),
        ];
        Assert.Equal(
            ["https://gitlab.example", "https://kubernetes.default.svc.cluster.local", "https://token.actions.githubusercontent.com", "https://token.actions.githubusercontent.com"],
            texts.Select(text => Assert.Single(Read(text)).Name).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("OKMS_JWT_ISSUERS: >-\n(?<issuer>(  .*\n)+)")]
    private static partial Regex Manifest();

    [GeneratedRegex("OKMS_JWT_ISSUERS='(?<issuer>[^']+)'")]
    private static partial Regex Export();

    [GeneratedRegex("`(?<issuer>https://[^` ]+ audience=[^`]+)`")]
    private static partial Regex Inline();

    private static IReadOnlyList<JwtIssuer> Read(string text) => JwtIssuerText.Read(new SettingsReader(
        new ConfigurationBuilder().AddInMemoryCollection([new("OKMS_JWT_ISSUERS", text)]).Build(), SettingTaker.SiloAndGateway));

    private string File(string name, string content = "")
    {
        var path = Path.Combine(_directory, name);
        System.IO.File.WriteAllText(path, content);
        return path;
    }
}
