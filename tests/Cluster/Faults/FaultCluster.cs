using System.Globalization;
using OrleansKms.Tests.Cluster.Audit;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>
/// A whole installation as processes of this machine: Postgres, three silos that also serve HTTP, two gateways, mutual TLS between
/// them all. Tests hurt its parts; each leaves it whole.
/// </summary>
public sealed class FaultCluster : IAsyncLifetime, IDisposable
{
    private const int SiloCount = 3;
    private const int GatewayCount = 2;

    private readonly TemporaryDirectory _directory = new();
    private readonly Certificates _certificates = new();
    private string _token = "";

    /// <summary>The database.</summary>
    internal PostgresServer Postgres { get; private set; } = null!;

    /// <summary>The silos; each is started anew in its place.</summary>
    internal Member[] Silos { get; private set; } = [];

    /// <summary>The gateways; each is started anew in its place.</summary>
    internal Member[] Gateways { get; private set; } = [];

    /// <summary>Starts everything.</summary>
    public async Task InitializeAsync()
    {
        Postgres = await PostgresServer.Create();
        _certificates.Made("silo", "silo", "127.0.0.1");
        _certificates.Made("gateway", "gateway", "127.0.0.1");
        Silos = [.. Enumerable.Range(0, SiloCount).Select(_ => new Member(isGateway: false, _directory.Path, SiloEnvironment()))];
        Gateways = [.. Enumerable.Range(0, GatewayCount).Select(_ => new Member(isGateway: true, _directory.Path, GatewayEnvironment()))];
        await CreateAdministrator();
        foreach (var member in Silos.Concat(Gateways))
        {
            member.Launch();
        }

        await UntilWhole();
    }

    /// <summary>Ends everything.</summary>
    public async Task DisposeAsync()
    {
        foreach (var member in Gateways.Concat(Silos))
        {
            await member.DisposeAsync();
        }

        await Postgres.DisposeAsync();
    }

    /// <summary>Removes its files.</summary>
    public void Dispose()
    {
        _certificates.Dispose();
        _directory.Dispose();
    }

    /// <summary>Starts what a test before this one has left dead, and waits until every member is ready.</summary>
    internal async Task Repair()
    {
        if (!Postgres.IsStarted) await Postgres.Start();
        foreach (var member in Silos.Concat(Gateways).Where(m => m.Process.ExitCode is not null))
        {
            await member.Process.DisposeAsync();
            member.Launch();
        }

        await UntilWhole();
    }

    /// <summary>What the members have complained about, and when gateways had no cluster, for the message of a failed test.</summary>
    internal IEnumerable<string> Complaints() =>
    [
        .. Silos.Concat(Gateways).SelectMany(m => LinesWith(m, "\"level\":\"error\"").TakeLast(5)),
        .. Gateways.SelectMany(m => LinesWith(m, "OrleansKms.Gateway.Cluster").TakeLast(20).Select(line => $"gateway {m.Port}: {line}")),
    ];

    private static IEnumerable<string> LinesWith(Member member, string words) =>
        member.Process.Output.Where(line => line.Contains(words, StringComparison.Ordinal));

    /// <summary>Waits until every member is ready.</summary>
    internal async Task UntilWhole()
    {
        foreach (var member in Silos.Concat(Gateways))
        {
            await member.UntilReady();
        }
    }

    /// <summary>
    /// Checks that the trails of all silos, of those that were stopped and those that run, have every answered request of an operation and
    /// no other. A request whose answer a gateway did not get in time is made again, and then has a record for each time.
    /// </summary>
    /// <param name="action">The operation.</param>
    /// <param name="answers">How many requests were answered well, by key.</param>
    internal async Task RequireRecords(string action, IReadOnlyDictionary<string, long> answers)
    {
        // A running silo writes the last ones to its file a moment after they are safe.
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (true)
        {
            var recorded = AuditRecords.In(_directory.Of("data"))
                .Where(record => record.GetProperty("action").GetString() == action && record.GetProperty("outcome").GetString() == "ok")
                .ToLookup(record => record.GetProperty("key_id").GetString()!, record => record.GetProperty("request_id").GetString());
            var different = answers.FirstOrDefault(key => recorded[key.Key].Distinct().Count() != key.Value);
            if (different.Key is not { } id) return;
            var requests = recorded[id].Distinct().Count();
            Assert.False(patience.IsCancellationRequested || requests > different.Value, $"{id}: {requests} requests are recorded, {different.Value} were answered.");
            await Task.Delay(100);
        }
    }

    /// <summary>A balancer before the gateways.</summary>
    internal Balancer BeforeGateways() => new(_token, [.. Gateways.Select(g => g.Port)]);

    /// <summary>A client of one silo's own HTTP interface.</summary>
    internal HttpClient ClientOf(Member member) => new()
    {
        BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{member.Port}")),
        DefaultRequestHeaders = { Authorization = new("Bearer", _token) },
    };

    private (string, string?)[] Common(string certificate) =>
    [
        ("DATABASE_URL", Postgres.Url),
        ("OKMS_TLS_CA", _certificates.Authority),
        ("OKMS_TLS_CERT", Path.Combine(_certificates.Directory, certificate + ".pem")),
        ("OKMS_TLS_KEY", Path.Combine(_certificates.Directory, certificate + ".key")),
        ("OKMS_DRAIN_DELAY", "PT2S"),
    ];

    private (string, string?)[] SiloEnvironment() =>
    [
        .. Common("silo"),
        ("OKMS_DATA_DIR", _directory.Of("data")),
        ("OKMS_MIN_DELETION_DELAY", "PT0S"),
        ("OKMS_ADVERTISED_ADDRESS", "127.0.0.1"),
        ("OKMS_SILO_PORT", ServiceProcess.FreePort().ToString(CultureInfo.InvariantCulture)),
        ("OKMS_CLIENT_PORT", ServiceProcess.FreePort().ToString(CultureInfo.InvariantCulture)),
        ("OKMS_GATEWAY", "true"),
    ];

    private (string, string?)[] GatewayEnvironment() => Common("gateway");

    private async Task CreateAdministrator()
    {
        var (code, output, errors) = await Silos[0].Command("create-administrator");
        Assert.True(code == 0, errors);
        _token = output.Trim();
    }
}
