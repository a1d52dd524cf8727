using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>A request that came.</summary>
internal sealed record StubRequest(string Line, string Authorization, string Body);

/// <summary>Something that answers HTTP as it was told to, well or badly: each answer once, one a connection.</summary>
internal sealed class StubService : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<StubRequest> _requests = new();

    public StubService(params string[] answers)
    {
        _listener.Start();
        _ = Serve(answers);
    }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public IReadOnlyCollection<StubRequest> Requests => _requests;

    /// <summary>An answer with JSON.</summary>
    public static string Json(int status, string body, string headers = "") => string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {status} Stub\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{headers}Connection: close\r\n\r\n{body}");

    /// <summary>An error as the service gives it.</summary>
    public static string Problem(int status, string code, string detail = "It is so.", string headers = "") => Json(
        status, $$"""{"type":"urn:orleans-kms:error:{{code}}","title":"t","status":{{status}},"detail":"{{detail}}","code":"{{code}}","request_id":"r1"}""", headers);

    public void Dispose() => _listener.Dispose();

    private async Task Serve(string[] answers)
    {
        foreach (var answer in answers)
        {
            using var client = await _listener.AcceptTcpClientAsync();
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
            var line = await reader.ReadLineAsync() ?? "";
            var (authorization, length) = ("", 0);
            while (await reader.ReadLineAsync() is { Length: > 0 } header)
            {
                if (header.StartsWith("Authorization: ", StringComparison.OrdinalIgnoreCase)) authorization = header["Authorization: ".Length..];
                if (header.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase)) length = int.Parse(header["Content-Length: ".Length..], CultureInfo.InvariantCulture);
            }

            var body = new char[length];
            if (length > 0) await reader.ReadBlockAsync(body);
            _requests.Enqueue(new(line, authorization, new string(body)));
            await stream.WriteAsync(Encoding.UTF8.GetBytes(answer));
        }
    }
}
