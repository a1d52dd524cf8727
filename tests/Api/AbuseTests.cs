using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using OrleansKms.Gateway.Limits;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Api;

/// <summary>What somebody can do who has no right to anything, against a whole service.</summary>
[Collection(TlsApiCollection.Name)]
public sealed class AbuseTests(TlsApi api)
{
    private const int MaxBytes = 16 << 20;

    [Fact]
    public async Task Guesses_EndIn429_ForWhereTheyComeFrom_AndWhoIsKnownThereGoesOn()
    {
        var name = Api.NewId();
        (await api.Post("/v1/principals", new { name })).Is(HttpStatusCode.Created);
        var token = (string)(await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        using var guesser = api.ClientFrom("127.0.0.71", connections: 16);
        (await TlsApi.Ask(guesser, "/v1/whoami", token: token)).Is(HttpStatusCode.OK);
        var began = TimeProvider.System.GetTimestamp();
        var (looked, refused) = (0, new List<Answer>());
        // Of every form: unknown ids, a known one with another secret, what is no token at all. Twice as many as are looked at.
        var guesses = Enumerable.Range(0, 2 * FailedSignIns.Max).Select(i => (i % 3) switch { 0 => $"okms_{Guid.NewGuid().ToString("N")[..16]}_{new string('A', 43)}", 1 => token[..^4] + "AAAA", _ => "guess" + i });
        foreach (var some in guesses.Chunk(50))
        {
            var answers = await Task.WhenAll(some.Select(guess => TlsApi.Ask(guesser, "/v1/whoami", token: guess)));
            Assert.All(answers, answer => Assert.True(answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.TooManyRequests, answer.Text));
            looked += answers.Count(answer => answer.Status == HttpStatusCode.Unauthorized);
            refused.AddRange(answers.Where(answer => answer.Status == HttpStatusCode.TooManyRequests));
        }

        var forgotten = TimeProvider.System.GetElapsedTime(began).TotalSeconds * FailedSignIns.ForgottenPerSecond;
        Assert.InRange(looked, FailedSignIns.Free, FailedSignIns.Max + forgotten + 16);
        Assert.NotEmpty(refused);
        Assert.All(refused, answer => answer.Is(HttpStatusCode.TooManyRequests, "rate_limited"));
        Assert.All(refused, answer => Assert.InRange(int.Parse(answer.Header("Retry-After"), null), 1, 60));

        // Whoever is known there is not held up, and nobody elsewhere.
        (await TlsApi.Ask(guesser, "/v1/whoami", token: token)).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(guesser, "/v1/whoami", token: api.Token)).Is(HttpStatusCode.OK);
        using var neighbour = api.ClientFrom("127.0.0.72");
        (await TlsApi.Ask(neighbour, "/v1/whoami", token: "guess")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        // To say that one comes from elsewhere does not help.
        await UntilRefused(() => TlsApi.Ask(guesser, "/v1/whoami", token: "guess", headers: ("X-Forwarded-For", "192.0.2.1")));
        (await TlsApi.Ask(guesser, "/health/live")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task BadCertificates_CountAsGuesses()
    {
        using var others = new Certificates();
        var client = api.Client(others.Sign("nobody", ["spiffe://shop/nobody"], [Certificates.ClientUsage]), from: "127.0.0.79", connections: 16);
        await UntilRefused(() => TlsApi.Ask(client, "/v1/whoami"));
        (await TlsApi.Ask(client, "/health/live")).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(api.Client(null, from: "127.0.0.79"), "/v1/whoami", token: api.Token)).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task UnknownIdWrongSecretRevokedTokenAndDisabledPrincipal_AreToldAlike()
    {
        var (name, off) = (Api.NewId(), Api.NewId());
        foreach (var one in (string[])[name, off]) (await api.Post("/v1/principals", new { name = one })).Is(HttpStatusCode.Created);
        var (good, revoked, disabled) = (await Token(name), await Token(name), await Token(off));
        (await api.Delete($"/v1/principals/{name}/tokens/{revoked.Id}")).Is(HttpStatusCode.NoContent);
        (await api.Post($"/v1/principals/{off}/disable")).Is(HttpStatusCode.OK);
        using var client = api.ClientFrom("127.0.0.78");
        var told = new List<string>();
        foreach (var token in (string[])[$"okms_{Guid.NewGuid().ToString("N")[..16]}_{new string('A', 43)}", good.Text[..^4] + "AAAA", revoked.Text, disabled.Text])
        {
            var answer = (await TlsApi.Ask(client, "/v1/whoami", token: token)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            var body = answer.Json.AsObject();
            body.Remove("request_id");
            var headers = answer.Response.Headers.Where(header => header.Key is not ("Date" or "X-Request-ID")).Select(header => $"{header.Key}: {string.Join(',', header.Value)}");
            told.Add($"{body.ToJsonString()}\n{string.Join('\n', headers)}");
        }

        Assert.All(told, one => Assert.Equal(told[0], one));
        (await TlsApi.Ask(client, "/v1/whoami", token: good.Text)).Is(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("a", 33 * 1024, "431")]
    [InlineData("Authorization", 33 * 1024, "431")]
    [InlineData("many", 101, "431")]
    [InlineData("line", 9 * 1024, "414")]
    public async Task Headers_BeyondTheLimits_AreRefused_AndTheConnectionEnds(string what, int size, string status)
    {
        using var raw = await RawHttp.Connect(api.Port);
        var request = what switch
        {
            "line" => $"GET /{new string('x', size)} HTTP/1.1\r\nHost: x\r\n\r\n",
            "many" => $"GET /health/live HTTP/1.1\r\nHost: x\r\n{string.Concat(Enumerable.Range(0, size).Select(i => $"a{i}: x\r\n"))}\r\n",
            _ => $"GET /health/live HTTP/1.1\r\nHost: x\r\n{what}: {new string('x', size)}\r\n\r\n",
        };
        await raw.Send(request);
        Assert.StartsWith($"HTTP/1.1 {status} ", await raw.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LargeCredentials_WithinTheLimits_AreJustWrong()
    {
        using var client = api.ClientFrom("127.0.0.73");
        foreach (var token in (string[])[new string('x', 30 * 1024), "okms_" + new string('0', 20 * 1024), $"{new string('a', 9000)}.{new string('b', 9000)}.{new string('c', 9000)}"])
        {
            (await TlsApi.Ask(client, "/v1/whoami", token: token)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        }
    }

    [Theory]
    [InlineData("GET /health/live HTTP/1.1\r\nHost: x\r\na: ", "431")]
    [InlineData("GET /", "414")]
    public async Task HeadersWithoutEnd_AreReadOnlyUpToTheLimit(string beginning, string status)
    {
        using var socket = await TlsApi.ConnectFrom("127.0.0.74", api.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(beginning));
        var (sent, block) = (0, new byte[64 * 1024]);
        Array.Fill(block, (byte)'x');
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        try
        {
            // What both ends' sockets hold, and not a byte more, is taken from the sender.
            while (sent < MaxBytes) sent += await socket.SendAsync(block, patience.Token);
        }
        catch (SocketException)
        {
            // The service has closed it.
        }

        Assert.InRange(sent, 1, MaxBytes - 1);
        (await api.Get("/v1/whoami")).Is(HttpStatusCode.OK);
        // The answer may be lost with what was sent after the end; one that waits for it gets it.
        using var raw = await RawHttp.Connect(api.Port);
        await raw.Send(beginning + new string('x', 40 * 1024));
        Assert.StartsWith($"HTTP/1.1 {status} ", await raw.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadersWithoutEnd_OverHttp2_EndTheConnection()
    {
        using var socket = await TlsApi.ConnectFrom("127.0.0.74", api.TlsPort);
        await using var tls = new SslStream(new NetworkStream(socket));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        });
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
        await tls.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await tls.WriteAsync(Frame(4, 0, []));
        // RFC 7541, 6.2.2: a literal that is not indexed, with a name of its own.
        byte[] field = [0, 1, (byte)'a', 100, .. Enumerable.Repeat((byte)'x', 100)];
        byte[] fields = [.. Enumerable.Repeat(field, 150).SelectMany(one => one)];
        // HEADERS that do not end, and CONTINUATION without end.
        var sent = 0;
        try
        {
            for (var type = (byte)1; sent < MaxBytes; type = 9)
            {
                await tls.WriteAsync(Frame(type, 1, fields));
                sent += fields.Length;
            }
        }
        catch (IOException)
        {
            // The service has closed it.
        }

        Assert.InRange(sent, 1, MaxBytes - 1);
        (await TlsApi.Ask(api.Client(null, HttpVersion.Version20), "/v1/whoami", token: api.Token)).Is(HttpStatusCode.OK);

        static byte[] Frame(byte type, int stream, byte[] payload)
        {
            var frame = new byte[9 + payload.Length];
            (frame[0], frame[1], frame[2], frame[3]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
            payload.CopyTo(frame, 9);
            return frame;
        }
    }

    [Fact]
    public async Task SlowHeaders_SlowBodies_AndSilentHandshakes_AreEnded_WhileOthersAreServed()
    {
        var key = await api.NewKey();
        var head = $"POST /v1/keys/{key}/encrypt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{";
        const string Headers = "GET /health/live HTTP/1.1\r\nHost: x\r\na: ";
        var ends = new List<Task<string>>
        {
            Ended(api.Port, Headers, trickles: false), Ended(api.Port, Headers, trickles: true), Ended(api.Port, "GET", trickles: true),
            Ended(api.Port, head, trickles: false), Ended(api.Port, head, trickles: true), Ended(api.TlsPort, "\x16\x03\x01", trickles: false),
        };
        var all = Task.WhenAll(ends);
        var served = 0;
        do
        {
            await api.Encrypt(key, [1]);
            served++;
        }
        while (!all.IsCompleted);

        var answers = await all;
        Assert.True(served > 1);
        Assert.All(answers[..3], answer => Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal));
        Assert.All(answers[3..5], answer =>
        {
            Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
            Assert.Contains("\"code\":\"request_timeout\"", answer, StringComparison.Ordinal);
        });
        Assert.Equal("", answers[5]);
    }

    [Fact]
    public async Task FloodOfConnections_IsClosedBeyondTheLimit_AndHealthAndOtherListenersAreReachable()
    {
        // One that stands from before stays.
        (await api.Get("/v1/whoami")).Is(HttpStatusCode.OK);
        var held = new List<Socket>();
        try
        {
            var closed = 0;
            for (var i = 0; i < 2 * TlsApi.MaxConnections; i++)
            {
                var socket = await TlsApi.ConnectFrom("127.0.0.75", api.Port);
                held.Add(socket);
                closed += await IsAnswered(socket) ? 0 : 1;
            }

            Assert.InRange(closed, TlsApi.MaxConnections, 2 * TlsApi.MaxConnections);
            (await api.Get("/v1/whoami")).Is(HttpStatusCode.OK);
            using var probe = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{api.MetricsPort}") };
            Assert.Equal(HttpStatusCode.OK, (await probe.GetAsync("/health/ready")).StatusCode);
            (await TlsApi.Ask(api.Client(null), "/v1/whoami", token: api.Token)).Is(HttpStatusCode.OK);
        }
        finally
        {
            held.ForEach(socket => socket.Dispose());
        }

        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (true)
        {
            // The server has yet to see that they have ended.
            using var socket = await TlsApi.ConnectFrom("127.0.0.75", api.Port);
            if (await IsAnswered(socket)) break;
            Assert.False(patience.IsCancellationRequested, "There is no room for another connection.");
        }
    }

    [Fact]
    public async Task BiggestPolicies_AreDecidedInBoundedSteps_AndLargerOnesAreRefused()
    {
        // 100 statements of two patterns that each match to their last letter but one, and 32 policies of them.
        var near = new string('a', 126);
        var statements = Enumerable.Range(0, 100).Select(i => new { effect = i % 2 == 0 ? "allow" : "deny", actions = new[] { "use" }, keys = new[] { $"{near}{i % 10}*", $"{near}b" } }).ToArray();
        var names = Enumerable.Range(0, 32).Select(_ => Api.NewId()).ToArray();
        foreach (var policy in names) (await api.Put("/v1/policies/" + policy, new { statements })).Is(HttpStatusCode.OK);
        var principal = Api.NewId();
        (await api.Post("/v1/principals", new { name = principal, policies = names })).Is(HttpStatusCode.Created);
        var token = (string)(await api.Post($"/v1/principals/{principal}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        using var client = api.ClientFrom("127.0.0.76");
        // Every one another key, so that nothing is remembered.
        for (var i = 0; i < 200; i++)
        {
            (await TlsApi.Ask(client, $"/v1/keys/{near[..120]}{i:d6}/encrypt", new { plaintext = "AQ==" }, token)).Is(HttpStatusCode.Forbidden, "permission_denied");
        }

        var why = (await api.Post("/v1/policies/simulate", new { principal, action = "keys:encrypt", key_id = near + "1" })).Is(HttpStatusCode.OK).Json;
        Assert.False((bool)why["allowed"]!);

        (await api.Put("/v1/policies/" + Api.NewId(), new { statements = statements.Append(statements[0]) })).Is(HttpStatusCode.UnprocessableEntity, "policy_too_large");
        (await api.Put("/v1/policies/" + Api.NewId(), new { statements = statements.Select(s => s with { keys = [.. s.keys, near + "c"] }) })).Is(HttpStatusCode.UnprocessableEntity, "policy_too_large");
        (await api.Patch("/v1/principals/" + principal, $$"""{"policies":[{{string.Join(',', names.Append("key-user").Select(n => $"\"{n}\""))}}]}""")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        foreach (var pattern in (string[])["*a", "a*b", "**", "(a+)+$", "a?", ".*", new string('a', 130)])
        {
            (await api.Put("/v1/policies/" + Api.NewId(), new { statements = new[] { new { effect = "allow", actions = new[] { "use" }, keys = new[] { pattern } } } })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        foreach (var deep in (string[])[$"{{\"statements\":{new string('[', 5000)}{new string(']', 5000)}}}", $"{{\"statements\":[{string.Concat(Enumerable.Repeat("{\"when\":", 5000))}1{new string('}', 5000)}]}}"])
        {
            (await api.Body(HttpMethod.Put, "/v1/policies/" + Api.NewId(), Encoding.UTF8.GetBytes(deep))).Is(HttpStatusCode.BadRequest, "invalid_request");
        }

        (await api.Body(HttpMethod.Put, "/v1/policies/" + Api.NewId(), new byte[(1 << 20) + 1])).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    private async Task<(string Id, string Text)> Token(string principal)
    {
        var made = (await api.Post($"/v1/principals/{principal}/tokens")).Is(HttpStatusCode.Created).Json;
        return ((string)made["id"]!, (string)made["token"]!);
    }

    private static async Task UntilRefused(Func<Task<Answer>> ask)
    {
        // Many at once, as a few are forgotten each second.
        while (!(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ask()))).Any(answer => answer.Status == HttpStatusCode.TooManyRequests))
        {
        }
    }

    private static async Task<bool> IsAnswered(Socket socket)
    {
        var buffer = new byte[16];
        try
        {
            await socket.SendAsync("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
            return await socket.ReceiveAsync(buffer) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Sends a beginning, and from then on nothing, or a byte now and then; waits until the service ends it.</summary>
    private static async Task<string> Ended(int port, string beginning, bool trickles)
    {
        using var socket = await TlsApi.ConnectFrom("127.0.0.77", port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(beginning));
        using var ended = new CancellationTokenSource();
        var sending = trickles ? Trickle(socket, ended.Token) : Task.CompletedTask;
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        var (answer, buffer) = ("", new byte[4096]);
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and var read) answer += Encoding.Latin1.GetString(buffer, 0, read);
        }
        catch (SocketException)
        {
            // Reset after the answer, because the request was not read to its end.
        }

        await ended.CancelAsync();
        await sending;
        return answer;
    }

    private static async Task Trickle(Socket socket, CancellationToken ended)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        try
        {
            while (await pace.WaitForNextTickAsync(ended)) await socket.SendAsync("x"u8.ToArray(), ended);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // It is over.
        }
    }
}
