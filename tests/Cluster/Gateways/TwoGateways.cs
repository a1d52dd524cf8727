using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>Three silos and two gateways, each a process of its own on one Postgres, shared by the tests that look through both gateways.</summary>
public sealed class TwoGateways : IAsyncLifetime, IDisposable
{
    internal const int Silos = 3;

    // What other tests send costs no spans.
    private static readonly (string, string?) SampledByCallers = ("OTEL_TRACES_SAMPLER", "parentbased_always_off");

    private readonly TemporaryDirectory _directory = new();
    private readonly List<ServiceProcess> _silos = [];
    private ClusterProcesses _cluster = null!;

    /// <summary>What all of them send their traces, metrics and logs to.</summary>
    internal OtlpReceiver Collector { get; private set; } = null!;

    /// <summary>The administrator's token.</summary>
    internal string Token => _cluster.Token;

    internal ServiceProcess First { get; private set; } = null!;

    internal ServiceProcess Second { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Collector = await OtlpReceiver.Start();
        _cluster = await ClusterProcesses.Prepare([.. Collector.Settings, SampledByCallers]);
        _silos.AddRange(await Task.WhenAll(Enumerable.Range(0, Silos).Select(_ => _cluster.StartSilo())));
        (First, Second) = (Launch(), Launch());
        await First.UntilHealthy();
        await Second.UntilHealthy();
        await ClusterProcesses.Until(() => First.Http.Send(HttpMethod.Get, "/v1/keys?limit=1"));
        await ClusterProcesses.Until(() => Second.Http.Send(HttpMethod.Get, "/v1/keys?limit=1"));
    }

    public async Task DisposeAsync()
    {
        await First.DisposeAsync();
        await Second.DisposeAsync();
        await _cluster.DisposeAsync();
        await Collector.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>How a test reaches the database, as Npgsql takes it.</summary>
    internal string ConnectionString => _cluster.ConnectionString;

    /// <summary>Runs one of the silo's commands with the cluster's settings.</summary>
    internal Task<(int Code, string Output, string Errors)> Command(params string[] arguments) => _cluster.Command(arguments);

    /// <summary>Starts one more silo, which the test ends.</summary>
    internal Task<ServiceProcess> StartSilo(params (string Name, string? Value)[] settings) => _cluster.StartSilo(settings);

    /// <summary>Replaces every silo by another, one after the other, so that whatever was in memory is gone.</summary>
    internal async Task ReplaceSilos()
    {
        foreach (var old in _silos.ToList())
        {
            _silos.Add(await _cluster.StartSilo());
            Assert.Equal(0, await old.Stop());
            _silos.Remove(old);
        }
    }

    /// <summary>Makes a principal, and a token by which it signs in.</summary>
    internal async Task<JsonObject> SignUp(string name, params string[] policies)
    {
        await First.Http.Post("/v1/principals", new() { ["name"] = name, ["policies"] = new JsonArray([.. policies]) });
        return await First.Http.Post($"/v1/principals/{name}/tokens");
    }

    /// <summary>Sends a request by one gateway, signed in by a token, and reads its answer.</summary>
    internal static async Task<(int Status, JsonNode? Body, HttpResponseHeaders Headers)> Send(
        ServiceProcess gateway, string token, HttpMethod method, string path, JsonNode? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await gateway.Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text), answer.Headers);
    }

    private ServiceProcess Launch()
    {
        var gateway = ServiceProcess.LaunchGateway(
            _directory.Path, port: null, [("DATABASE_URL", _cluster.DatabaseUrl), ("OKMS_INSECURE_CLUSTER_NETWORK", "true"), ("OKMS_REQUEST_TIMEOUT", "PT1M"),
            .. Collector.Settings, SampledByCallers]);
        gateway.SignIn(_cluster.Token);
        return gateway;
    }
}

/// <summary>The tests that share <see cref="TwoGateways"/>; one runs at a time.</summary>
[CollectionDefinition(Name)]
public sealed class TwoGatewaysCollection : ICollectionFixture<TwoGateways>
{
    /// <summary>The collection's name.</summary>
    public const string Name = "two gateways";
}
