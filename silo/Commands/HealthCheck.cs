using System.CommandLine;
using System.Net;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// The command <c>healthcheck</c>: asks the process that runs beside it, with the same settings, whether it is ready. For
/// container engines, whose images hold no shell and no HTTP client.
/// </summary>
internal static class HealthCheck
{
    /// <summary>The command's name.</summary>
    public const string Name = "healthcheck";

    /// <summary>The exit code for a process that is not ready or does not answer; 0 for one that is.</summary>
    public const int Unhealthy = 1;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>
    /// The command, for help; a call of it alone is handled before anything is parsed, since it comes every few seconds.
    /// </summary>
    public static Command Command()
    {
        var command = new Command(Name, "Asks the process beside it, with the same settings, whether it is ready.");
        command.SetAction((_, _) => Run());
        return command;
    }

    /// <summary>Asks, and prints the answer, which holds no secret.</summary>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> Run()
    {
        try
        {
            // A neighbour: proxies from the environment are for others.
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Patience };
            using var answer = await client.GetAsync(Address());
            Console.WriteLine(await answer.Content.ReadAsStringAsync());
            return answer.IsSuccessStatusCode ? 0 : Unhealthy;
        }
        catch (Exception e) when (StartGuard.ReasonOf(e) is { } reason)
        {
            Console.WriteLine(reason);
            return StartGuard.Refused;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            Console.WriteLine("no answer");
            return Unhealthy;
        }
    }

    private static Uri Address()
    {
        var configuration = new ConfigurationBuilder()
            .AddJsonFile(Path.GetFullPath("appsettings.json"), optional: true)
            .AddEnvironmentVariables()
            .Build();
        var settings = HttpSettings.Read(new SettingsReader(configuration, SettingTaker.SiloAndGateway));
        // The listener for metrics and health speaks plain HTTP, whatever the other one speaks.
        var (bind, port) = settings.MetricsPort is { } metrics ? (settings.MetricsBindAddress, metrics) : (settings.BindAddress, settings.Port);
        return new UriBuilder(Uri.UriSchemeHttp, Host(bind.Address), port, "/health/ready").Uri;
    }

    /// <summary>Where to reach a process that listens there.</summary>
    private static string Host(IPAddress? address) =>
        address is null || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)
            ? IPAddress.Loopback.ToString()
            : address.ToString();
}
