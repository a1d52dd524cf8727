using System.Diagnostics;
using System.Text.Json;
using OrleansKms.Tests.Cluster;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The scripts of <c>tests/Node</c>: libraries of others, by Node.js. deploy/test.sh installs them.</summary>
internal static class NodeScript
{
    private static readonly string _folder = Path.Combine(Repository.Root, "tests", "Node");

    /// <summary>Runs a script.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="input">What it reads, as JSON.</param>
    /// <returns>What it writes.</returns>
    internal static async Task<JsonElement> Run(string name, object input)
    {
        Assert.True(Directory.Exists(Path.Combine(_folder, "node_modules")), "Run `npm ci --ignore-scripts` in tests/Node first.");
        using var node = Process.Start(new ProcessStartInfo("node", [Path.Combine(_folder, name)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (error, output) = (node.StandardError.ReadToEndAsync(), node.StandardOutput.ReadToEndAsync());
        await node.StandardInput.WriteAsync(JsonSerializer.Serialize(input));
        node.StandardInput.Close();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, await error);
        return JsonDocument.Parse(await output).RootElement;
    }
}
