using System.CommandLine;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Creates a token for <c>/metrics</c>. It needs no cluster and no settings: silos, gateways and the scraper get the same file.
/// </summary>
internal static class CreateMetricsToken
{
    /// <summary>The command.</summary>
    public static Command Command()
    {
        var path = new Argument<string>("PATH") { Description = "A file that does not exist yet." };
        var command = new Command(
            "create-metrics-token", $"Writes a new token for /metrics to a file, for {SettingTable.MetricsTokenFile}.") { path };
        command.SetAction((call, _) => Run(call.GetRequiredValue(path)));
        return command;
    }

    private static async Task Run(string path)
    {
        ProcessHardening.Apply();
        path = Path.GetFullPath(path);
        TokenFile.WriteNew(path, TokenFile.New());
        await Console.Error.WriteLineAsync($"A token for /metrics was written to {path}");
    }
}
