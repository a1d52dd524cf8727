using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster;

namespace OrleansKms.Tests.Api;

/// <summary>jose (npm), which fetches the published keys itself and keeps them from one call to the next. deploy/test.sh installs it.</summary>
internal sealed class JoseVerifier : IDisposable
{
    private readonly Process _node;
    private readonly string _url;
    private readonly string _authorization;

    public JoseVerifier(string url, string authorization)
    {
        var folder = Path.Combine(Repository.Root, "tests", "Node");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules")), "Run `npm ci --ignore-scripts` in tests/Node first.");
        (_url, _authorization) = (url, authorization);
        _node = Process.Start(new ProcessStartInfo("node", [Path.Combine(folder, "jose.mjs")]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    /// <summary>What it says of each token: its header and claims, or an error.</summary>
    public async Task<JsonArray> Verify(params string[] tokens)
    {
        await _node.StandardInput.WriteLineAsync(JsonSerializer.Serialize(new { url = _url, authorization = _authorization, tokens }));
        await _node.StandardInput.FlushAsync();
        var line = await _node.StandardOutput.ReadLineAsync();
        return JsonNode.Parse(line ?? throw new InvalidOperationException("jose.mjs ended."))!.AsArray();
    }

    public void Dispose()
    {
        _node.StandardInput.Close();
        if (!_node.WaitForExit(TimeSpan.FromSeconds(10))) _node.Kill();
        _node.Dispose();
    }
}
