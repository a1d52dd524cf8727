using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>A gateway with the memory of its container: more than it can hold is refused, and it goes on.</summary>
public sealed class GatewayLoadTests
{
    // What the runtime allows itself in a container of 384 MiB: three quarters.
    private const string HeapLimit = "0x12000000";
    private const int Batches = 20;
    private const int Connections = 64;

    private static readonly byte[] _body = Encoding.ASCII.GetBytes(
        $$"""{"items":[{{string.Join(',', Enumerable.Repeat($$"""{"plaintext":"{{Convert.ToBase64String(new byte[64 * 1024])}}"}""", 64))}}]}""");

    [Fact]
    public async Task LargeBatchesAtOnce_AreDoneOrRefused_AndConnectionsBeyondTheLimitAreClosed()
    {
        await using var cluster = await ClusterProcesses.Prepare();
        await cluster.StartSilo(("OKMS_REQUEST_TIMEOUT", "PT1M"));
        using var directory = new TemporaryDirectory();
        var metrics = ServiceProcess.FreePort();
        await using var gateway = ServiceProcess.LaunchGateway(
            directory.Path, port: null, ("DATABASE_URL", cluster.DatabaseUrl), ("OKMS_INSECURE_CLUSTER_NETWORK", "true"),
            ("DOTNET_GCHeapHardLimit", HeapLimit), ("OKMS_REQUEST_TIMEOUT", "PT1M"),
            ("OKMS_MAX_CONNECTIONS", Connections.ToString(CultureInfo.InvariantCulture)),
            ("OKMS_METRICS_PORT", metrics.ToString(CultureInfo.InvariantCulture)));
        gateway.SignIn(cluster.Token);
        await gateway.UntilHealthy();
        await ClusterProcesses.Until(() => gateway.Http.Create("key"));

        await AllButTheLastByteAtOnce(gateway, cluster.Token);
        await AllAtOnceUntilDone(gateway);
        await ConnectionsBeyondTheLimit(gateway, metrics);

        await gateway.Http.Encrypt("key", [1]);
        Assert.Equal(0, await gateway.Stop());
        Assert.DoesNotContain("OutOfMemory", gateway.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Bodies that have arrived but for one byte are all in memory, so it is certain which find no room.</summary>
    private static async Task AllButTheLastByteAtOnce(ServiceProcess gateway, string token)
    {
        var head = Encoding.ASCII.GetBytes(
            $"POST /v1/keys/key/encrypt HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {_body.Length}\r\n\r\n");
        // A sixteenth of the heap.
        var room = (int)(Convert.ToInt64(HeapLimit, 16) / 16 / _body.Length);
        var clients = new List<TcpClient>();
        try
        {
            for (var i = 0; i < Batches; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, gateway.Port);
                await client.GetStream().WriteAsync(head);
            }

            var answers = clients.Select(FirstLines).ToList();
            await Task.WhenAll(clients.Select(client => client.GetStream().WriteAsync(_body.AsMemory(..^1)).AsTask()));
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            while (answers.Count(answer => answer.IsCompleted) < Batches - room) await Task.WhenAny(answers.Where(answer => !answer.IsCompleted)).WaitAsync(patience.Token);
            foreach (var refused in answers.Where(answer => answer.IsCompleted))
            {
                Assert.StartsWith("HTTP/1.1 503 ", await refused, StringComparison.Ordinal);
                Assert.Contains("\r\nRetry-After: 1\r\n", await refused, StringComparison.Ordinal);
            }

            var taken = clients.Where((_, i) => !answers[i].IsCompleted).ToList();
            Assert.Equal(room, taken.Count);
            foreach (var client in taken) await client.GetStream().WriteAsync(_body.AsMemory(^1..));
            Assert.Equal(room, (await Task.WhenAll(answers)).Count(answer => answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal)));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static async Task<string> FirstLines(TcpClient client)
    {
        var buffer = new byte[1024];
        var read = await client.GetStream().ReadAsync(buffer);
        return Encoding.ASCII.GetString(buffer, 0, read);
    }

    /// <summary>As clients that do what Retry-After says: every batch is done in the end.</summary>
    private static Task AllAtOnceUntilDone(ServiceProcess gateway) => Task.WhenAll(Enumerable.Range(0, Batches).Select(async _ =>
    {
        while (true)
        {
            using var content = new ByteArrayContent(_body);
            content.Headers.ContentType = new("application/json");
            using var answer = await gateway.Http.PostAsync("/v1/keys/key/encrypt", content);
            if (answer.StatusCode == HttpStatusCode.OK) return;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Contains("\"overloaded\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            await Task.Delay(answer.Headers.RetryAfter!.Delta!.Value);
        }
    }));

    private static async Task ConnectionsBeyondTheLimit(ServiceProcess gateway, int metrics)
    {
        var idle = new List<TcpClient>();
        try
        {
            for (var i = 0; i < Connections; i++)
            {
                idle.Add(new TcpClient());
                await idle[i].ConnectAsync(IPAddress.Loopback, gateway.Port);
            }

            using var refused = new TcpClient();
            await refused.ConnectAsync(IPAddress.Loopback, gateway.Port);
            Assert.Equal("", await UntilClosed(refused));
            using var probe = new HttpClient();
            Assert.Contains("healthy", await probe.GetStringAsync(new Uri($"http://127.0.0.1:{metrics}/health/live")), StringComparison.Ordinal);
        }
        finally
        {
            idle.ForEach(client => client.Dispose());
        }
    }

    private static async Task<string> UntilClosed(TcpClient client)
    {
        try
        {
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            return await new StreamReader(client.GetStream()).ReadToEndAsync(patience.Token);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
