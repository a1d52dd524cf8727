using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Makes a token for <c>/metrics</c>. It needs no cluster and no settings: silos, gateways and the scraper are handed the same file.
/// </summary>
internal static class CreateMetricsToken
{
    /// <summary>The command.</summary>
    public static Command Command { get; } = new(
        "create-metrics-token", "PATH", "writes a new token for /metrics to a file, for OKMS_METRICS_TOKEN_FILE", Run);

    private static async Task Run(IReadOnlyList<string> options)
    {
        if (options is not [var path] || path.StartsWith('-')) throw new UsageException("create-metrics-token takes the path of a file to write.");
        ProcessHardening.Apply();
        path = Path.GetFullPath(path);
        TokenFile.WriteNew(path, TokenFile.New());
        await Console.Error.WriteLineAsync($"A token for /metrics was written to {path}");
    }
}
