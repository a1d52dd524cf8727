using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api;

/// <summary>
/// A real OpenID Connect issuer (oidc-provider) as a process, and a second one in it with the same keys under its own name. The client
/// <c>cards</c> gets tokens there.
/// </summary>
public sealed class TestIssuer : IAsyncDisposable
{
    /// <summary>The audience of the service.</summary>
    public const string Audience = "https://kms.example";

    /// <summary>The subject of every token.</summary>
    public const string Subject = "cards";

    private readonly string _directory = Directory.CreateTempSubdirectory("okms-test-").FullName;
    private readonly int _port = ServiceProcess.FreePort();
    private readonly int _otherPort = ServiceProcess.FreePort();
    private readonly HttpClient _http = new() { Timeout = ServiceProcess.Patience };
    private Process? _process;

    /// <summary>Its name, the claim <c>iss</c>.</summary>
    public string Name => "http://127.0.0.1:" + _port.ToString(CultureInfo.InvariantCulture);

    /// <summary>The name of the one that nobody trusts.</summary>
    public string OtherName => "http://127.0.0.1:" + _otherPort.ToString(CultureInfo.InvariantCulture);

    /// <summary>Starts it, with the keys that it had before.</summary>
    public async Task Start()
    {
        var folder = Path.Combine(Repository.Root, "tests", "Node");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules", "oidc-provider")), "Run `npm ci --ignore-scripts` in tests/Node first.");
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments =
        [
            Path.Combine(folder, "issuer.mjs"), Path.Combine(_directory, "keys.json"),
            _port.ToString(CultureInfo.InvariantCulture), _otherPort.ToString(CultureInfo.InvariantCulture),
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        var errors = _process.StandardError.ReadToEndAsync();
        if (!await Said("ready")) Assert.Fail(await errors);
    }

    /// <summary>Ends it.</summary>
    public async Task Stop()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Replaces its keys by others.</summary>
    public async Task Rotate()
    {
        await _process!.StandardInput.WriteLineAsync("rotate");
        await _process.StandardInput.FlushAsync();
        Assert.True(await Said("did rotate"));
    }

    /// <summary>An access token.</summary>
    /// <param name="resource">What it is for, as the issuer knows it.</param>
    /// <param name="other">Whether the other issuer gives it.</param>
    public async Task<string> Token(string resource = "urn:kms", bool other = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, (other ? OtherName : Name) + "/token")
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("resource", resource)]),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes("cards:secret")));
        using var answer = await _http.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, body);
        return (string)JsonNode.Parse(body)!["access_token"]!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await Stop();
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<bool> Said(string line)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (await _process!.StandardOutput.ReadLineAsync(patience.Token) is { } read)
        {
            if (read == line) return true;
        }

        return false;
    }
}
