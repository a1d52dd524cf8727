using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class AdministratorTokenTests
{
    private const string Token = "okms_0123456789abcdef";
    private readonly Credentials _credentials = SignInParts.Credentials(new AdministratorToken(
        new GatewayOptions { AdministratorTokenSha256 = SHA256.HashData(Encoding.UTF8.GetBytes(Token)) }));

    [Fact]
    public void Find_TheToken_IsTheAdministrator()
    {
        var principal = Find("/v1/keys", "Bearer " + Token);
        Assert.True(principal is { Name: "admin", IsAdministrator: true });
        Assert.Equal(("admin", "administrator"), (principal!.Claims.Identity!.Name, principal.Credential));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer okms_0123456789abcdeF")]
    [InlineData("Bearer okms_0123456789abcdef0")]
    [InlineData("okms_0123456789abcdef")]
    [InlineData("Basic okms_0123456789abcdef")]
    public void Find_AnythingElse_IsNobody(string? authorization) => Assert.Null(Find("/v1/keys", authorization));

    [Theory]
    [InlineData("/dashboard", true)]
    [InlineData("/dashboard/index.min.js", true)]
    [InlineData("/dashboards", false)]
    [InlineData("/v1/keys", false)]
    [InlineData("/metrics", false)]
    public void Find_Password_CountsOnTheDashboardOnly(string path, bool found)
    {
        var basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("anybody:" + Token));
        Assert.Equal(found, Find(path, basic) is not null);
    }

    [Fact]
    public void Find_HugeToken_IsNobody()
    {
        Assert.Null(Find("/v1/keys", "Bearer " + new string('\u4e2d', 100_000)));
        Assert.Null(Find("/dashboard", "Basic " + new string('A', 100_000)));
    }

    private Principal? Find(string path, string? authorization)
    {
        var http = new DefaultHttpContext();
        http.Request.Path = path;
        http.Request.Headers.Authorization = authorization;
        return _credentials.Find(http.Request, "here").AsTask().Result.Principal;
    }
}
