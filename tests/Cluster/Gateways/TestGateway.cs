using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>The gateway in the test's process, as a client of silos whose client ports are known.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    private const string Token = "okms-test-token-0123456789abcdef";
    private readonly WebApplication _app;

    private TestGateway(WebApplication app)
    {
        _app = app;
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Http = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(2) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    public HttpClient Http { get; }

    public ClusterLink Link => _app.Services.GetRequiredService<ClusterLink>();

    public IGrainFactory Grains => _app.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Starts it; whether it is connected is another matter.</summary>
    public static async Task<TestGateway> Start(
        string clusterId, int clientPort, TimeSpan? requestTimeout = null, Action<WebApplication>? map = null,
        Action<IServiceCollection>? services = null, Action<IClientBuilder>? transport = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Critical).AddConsole();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var timeout = requestTimeout ?? TimeSpan.FromSeconds(5);
        builder.UseClusterClient(timeout, client =>
        {
            client.UseStaticClustering(new IPEndPoint(IPAddress.Loopback, clientPort));
            client.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = ("okms-test", clusterId));
            transport?.Invoke(client);
        });
        builder.Services.AddKmsGateway(new()
        {
            AdministratorTokenSha256 = SHA256.HashData(Encoding.UTF8.GetBytes(Token)),
            RequestTimeout = timeout,
        });
        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapKmsGateway();
        map?.Invoke(app);
        await app.StartAsync();
        return new(app);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
