using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Unit.Gateway;

namespace OrleansKms.Tests.Api;

/// <summary>A gateway without silos, on a clock that stands still, whose grains answer when the test lets them, or never.</summary>
internal sealed class SilentGrains : IAsyncDisposable
{
    private const string Token = "okms-test-token-0123456789abcdef";
    private readonly WebApplication _app;

    private SilentGrains(WebApplication app, FakeTimeProvider time, Dictionary<string, Func<object>> answers)
    {
        (_app, Time, Answers) = (app, time, answers);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Http = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(2) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    public HttpClient Http { get; }

    public FakeTimeProvider Time { get; }

    /// <summary>What each method of a grain answers: a task, by the method's name.</summary>
    public Dictionary<string, Func<object>> Answers { get; }

    /// <param name="requestTimeout">How long a request may take.</param>
    /// <param name="maxConnections">How many connections it takes.</param>
    /// <param name="maxConcurrent">How many requests it works on at once.</param>
    /// <param name="maxQueued">How many wait for that.</param>
    /// <param name="tls">With TLS, and the authority of clients' certificates, by this certificate; its clock begins today then.</param>
    public static async Task<SilentGrains> Start(
        TimeSpan requestTimeout, int maxConnections = 4096, int maxConcurrent = 4096, int maxQueued = 512, MutualTlsFiles? tls = null)
    {
        var time = tls is null ? new FakeTimeProvider() : new FakeTimeProvider(DateTimeOffset.UtcNow);
        // The audit trail takes what the gateway answers itself.
        var answers = new Dictionary<string, Func<object>> { [nameof(IAuditGrain.Record)] = () => Task.CompletedTask };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddSingleton(FakeGrain.Of<IGrainFactory>((method, _) => Grain(method.ReturnType, answers)));
        builder.Services.AddKmsGateway(new()
        {
            AdministratorTokenSha256 = SHA256.HashData(Encoding.UTF8.GetBytes(Token)),
            RequestTimeout = requestTimeout,
            MaxConnections = maxConnections,
            MaxConcurrentRequests = maxConcurrent,
            MaxQueuedRequests = maxQueued,
            ClientAuthorityFile = tls?.AuthorityFile,
        });
        // After the gateway has said what every listener asks for.
        if (tls is not null)
        {
            var certificate = X509Certificate2.CreateFromPemFile(tls.CertificateFile, tls.KeyFile);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(certificate)));
        }

        var app = builder.Build();
        app.MapKmsGateway();
        await app.StartAsync();
        return new(app, time, answers);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static object Grain(Type type, Dictionary<string, Func<object>> answers) =>
        FakeGrain.Of(type, (method, _) => answers[method.Name]());
}
