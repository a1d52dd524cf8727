using System.Net.Http.Headers;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace OrleansKms.Tests.Api;

/// <summary>
/// A service of somebody else whose callers sign in by ASP.NET Core's JwtBearer. It has only the authority's address: it reads the
/// discovery document there, which this process answers too, and then the published keys that the document names.
/// </summary>
internal sealed class BearerService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private BearerService(WebApplication app)
    {
        _app = app;
        _http = new() { BaseAddress = new Uri(Authority) };
    }

    /// <summary>The issuer of the tokens that it accepts.</summary>
    public string Authority => _app.Urls.Single();

    /// <summary>Starts it.</summary>
    /// <param name="keys">The address of the published keys.</param>
    /// <param name="token">The token with which they are read.</param>
    public static async Task<BearerService> Start(string keys, string token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication? app = null;
        builder.Services.AddAuthorization().AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(options =>
        {
            options.Authority = app!.Urls.Single();
            options.Audience = "billing";
            options.MapInboundClaims = false;
            options.RequireHttpsMetadata = false;
            options.RefreshInterval = BaseConfigurationManager.MinimumRefreshInterval;
            options.BackchannelHttpHandler = new SignedIn(token) { InnerHandler = new SocketsHttpHandler() };
        });

        // Else it accepts for an hour what was once published.
        builder.Services.PostConfigure<JwtBearerOptions>(
            JwtBearerDefaults.AuthenticationScheme, options => ((BaseConfigurationManager)options.ConfigurationManager!).UseLastKnownGoodConfiguration = false);
        app = builder.Build();
        app.MapGet("/.well-known/openid-configuration", () => Results.Json(new { issuer = app.Urls.Single(), jwks_uri = keys }));
        app.MapGet("/who", (ClaimsPrincipal user) => user.FindFirstValue("sub")).RequireAuthorization();
        await app.StartAsync();
        return new(app);
    }

    /// <summary>Who it says that a token's bearer is; for a token that it refuses, the reason.</summary>
    public async Task<string> Who(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/who");
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await _http.SendAsync(request);
        return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync() : answer.Headers.WwwAuthenticate.ToString();
    }

    /// <summary>Asks again, since the keys are read in the background, until it says so.</summary>
    public async Task Until(string token, string said)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        string? last = null;
        while (last != said)
        {
            Assert.False(patience.IsCancellationRequested, last);
            last = await Who(token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    private sealed class SignedIn(string token) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
