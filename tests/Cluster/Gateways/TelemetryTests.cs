using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>What gateways and silos send to an OpenTelemetry collector: by the real exporter, from real processes.</summary>
[Collection(TwoGatewaysCollection.Name)]
public sealed class TelemetryTests(TwoGateways gateways)
{
    private const string CallersSpan = "00f067aa0ba902b7";
    private const string CallersState = "vendor=opaque";

    [Fact]
    public async Task Trace_IsOneTree_FromTheRequestToTheGrainAndItsStorage_AndNothingInItIsSecret()
    {
        var id = "traced." + Guid.NewGuid().ToString("N");
        var (creation, encryption) = (NewTrace(), NewTrace());
        await Send(gateways.First, creation, "/v1/keys", new() { ["id"] = id });
        var (plaintext, associatedData) = (RandomNumberGenerator.GetBytes(24), RandomNumberGenerator.GetBytes(24));
        var encrypted = await Send(gateways.First, encryption, $"/v1/keys/{id}/encrypt", new()
        {
            ["plaintext"] = Convert.ToBase64String(plaintext),
            ["associated_data"] = Convert.ToBase64String(associatedData),
        });

        var created = await Tree(creation, spans => spans.Any(span => span.Name == "storage write"));
        var storage = created.First(span => span.Name == "storage write");
        Assert.Equal(("okms-silo", "key"), (storage.Service, storage.Tags["okms.row"]));
        Assert.Equal(
            ["okms-gateway POST /v1/keys", "okms-gateway IKeyGrain/Create", "okms-silo IKeyGrain/Create", "okms-silo storage write"], Path(created, storage));

        var spans = await Tree(encryption, spans => spans.Any(span => span.Service == "okms-silo"));
        var grain = spans.First(span => span.Service == "okms-silo" && span.Name == "IKeyGrain/Encrypt");
        Assert.Equal(["okms-gateway POST /v1/keys/{id}/encrypt", "okms-gateway IKeyGrain/Encrypt", "okms-silo IKeyGrain/Encrypt"], Path(spans, grain));
        Assert.Equal(id, grain.Tags["okms.key_id"]);
        var request = spans.Single(span => span.Parent == CallersSpan);
        Assert.Equal(
            ("/v1/keys/{id}/encrypt", "keys:encrypt", id, "200"),
            (request.Tags["http.route"], request.Tags["okms.operation"], request.Tags["okms.key_id"], request.Tags["http.response.status_code"]));
        Assert.All(spans, span => Assert.Equal(CallersState, span.State));

        // Of Orleans' own tags only these stay: the others name grains by tokens' hashes and callers.
        Assert.All(
            spans.Concat(created).Where(span => span.Scope.StartsWith("Microsoft.Orleans", StringComparison.Ordinal)),
            span => Assert.Empty(span.Tags.Keys.Except(["rpc.system.name", "orleans.rpc.service", "rpc.method", "exception.type", "okms.key_id"])));
        var ciphertext = encrypted["ciphertext"]!.GetValue<string>();
        foreach (var secret in (byte[][])[
            plaintext, Encoding.ASCII.GetBytes(Convert.ToBase64String(plaintext)), associatedData, Encoding.ASCII.GetBytes(Convert.ToBase64String(associatedData)),
            Encoding.ASCII.GetBytes(ciphertext), Convert.FromBase64String(ciphertext), Encoding.ASCII.GetBytes(gateways.Token)])
        {
            Assert.All((string[])["traces", "metrics", "logs"], signal => Assert.False(gateways.Collector.Holds(signal, secret), signal));
        }
    }

    [Fact]
    public async Task MetricsAndLogs_ArriveToo_AndALogRecordNamesItsTrace()
    {
        var id = "traced." + Guid.NewGuid().ToString("N");
        var trace = NewTrace();
        await Send(gateways.Second, trace, "/v1/keys", new() { ["id"] = id });
        await gateways.Second.Http.Encrypt(id, [1]);
        await Until(() => gateways.Collector.Holds("logs", Convert.FromHexString(trace)), "a log record of the trace");
        await Until(() => gateways.Collector.Holds("metrics", Encoding.ASCII.GetBytes(id)), "the key's metrics");
        Assert.True(gateways.Collector.Holds("metrics", "encryption_duration"u8));
        Assert.True(gateways.Collector.Holds("logs", "POST /v1/keys 201"u8));
    }

    [Fact]
    public async Task Request_ThatItsCallerDoesNotSample_IsNotTraced_AndHasAnIdAllTheSame()
    {
        var (unsampled, sampled) = (NewTrace(), NewTrace());
        await Send(gateways.First, unsampled, "/v1/random", new() { ["bytes"] = 1 }, isSampled: false);
        await Send(gateways.First, sampled, "/v1/random", new() { ["bytes"] = 1 });
        await Tree(sampled, spans => spans.Count > 1);
        Assert.Empty(gateways.Collector.SpansOf(unsampled));
        await Until(() => gateways.First.Output.Any(line => line.Contains($"\"trace_id\":\"{unsampled}\"", StringComparison.Ordinal)), "its log line");
    }

    private static string NewTrace() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private async Task<JsonObject> Send(ServiceProcess gateway, string trace, string path, JsonObject body, bool isSampled = true)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("traceparent", $"00-{trace}-{CallersSpan}-{(isSampled ? "01" : "00")}");
        request.Headers.Add("tracestate", CallersState);
        request.Headers.Authorization = new("Bearer", gateways.Token);
        using var answer = await gateway.Http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.AsObject();
    }

    /// <summary>Waits for what was looked for and for all spans above it; then each span but one has its parent in the same trace.</summary>
    private async Task<List<ReceivedSpan>> Tree(string trace, Func<List<ReceivedSpan>, bool> isThere)
    {
        List<ReceivedSpan> spans = [];
        await Until(() => isThere(spans = gateways.Collector.SpansOf(trace)) && Orphans(spans).SequenceEqual([CallersSpan]), $"the trace {trace}");
        Assert.Equal(spans.Count, spans.Select(span => span.Id).Distinct().Count());
        return spans;
    }

    private static IEnumerable<string> Orphans(List<ReceivedSpan> spans) =>
        spans.Select(span => span.Parent).Where(parent => spans.All(span => span.Id != parent));

    private static List<string> Path(List<ReceivedSpan> spans, ReceivedSpan span)
    {
        var above = spans.SingleOrDefault(other => other.Id == span.Parent);
        return [.. above is null ? [] : Path(spans, above), $"{span.Service} {span.Name}"];
    }

    private async Task Until(Func<bool> isSo, string what)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (!isSo())
        {
            Assert.False(patience.IsCancellationRequested, $"{what} did not arrive.\n{gateways.First}");
            await Task.Delay(50);
        }
    }
}
