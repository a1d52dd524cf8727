using System.Text.Json;
using OrleansKms.Tests.Cluster.Audit;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Two silos, each with an audit log of its own, and a gateway before them. A silo that was killed is started again in its place.</summary>
public sealed class SilosToKill : IAsyncLifetime, IDisposable
{
    /// <summary>How many silos there are.</summary>
    internal const int Count = 2;

    private readonly TemporaryDirectory _directory = new();
    private readonly ServiceProcess[] _silos = new ServiceProcess[Count];
    private ClusterProcesses _cluster = null!;

    /// <summary>The gateway, at which the administrator has signed in.</summary>
    internal ServiceProcess Gateway { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _cluster = await ClusterProcesses.Prepare(("OKMS_AUDIT", "blocking"));
        await Task.WhenAll(Enumerable.Range(0, Count).Select(Start));
        await _cluster.UntilActive(Count);
        Gateway = ServiceProcess.LaunchGateway(_directory.Path, port: null, ("DATABASE_URL", _cluster.DatabaseUrl), ("OKMS_INSECURE_CLUSTER_NETWORK", "true"));
        Gateway.SignIn(_cluster.Token);
        await Gateway.UntilHealthy();
        await ClusterProcesses.Until(() => Gateway.Http.Send(HttpMethod.Get, "/v1/keys?limit=1"));
    }

    public async Task DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>Starts a silo, the first one in a place or the next after one that has ended.</summary>
    internal async Task Start(int place) => _silos[place] = await _cluster.StartSilo(("OKMS_AUDIT_DIR", Path.Combine(Directory(place), "audit")));

    /// <summary>kill -9.</summary>
    internal Task Kill(int place) => _silos[place].Kill();

    /// <summary>SIGTERM to every silo, after which all records are in files; then the next ones in their places.</summary>
    internal async Task Restart()
    {
        foreach (var silo in _silos) Assert.Equal(0, await silo.Stop());
        foreach (var place in Enumerable.Range(0, Count)) await Start(place);
    }

    /// <summary>The one log of a silo, whichever processes have written it.</summary>
    internal string LogOf(int place) => Assert.Single(System.IO.Directory.GetDirectories(Path.Combine(Directory(place), "audit")));

    /// <summary>The records in it, without those of the last moment before a crash.</summary>
    internal IEnumerable<JsonElement> RecordsOf(int place) => AuditRecords.In(Directory(place));

    /// <summary>Requires that the log of a silo is whole, as it lies there, by the key and checkpoint in the database.</summary>
    internal async Task RequireWholeLog(int place)
    {
        var (code, output, errors) = await _cluster.Command("audit", "verify", "--database", "--log", LogOf(place));
        Assert.True(code == 0 && output.Contains(": ok: ", StringComparison.Ordinal), output + errors);
    }

    /// <summary>Everything that all processes said, for the message of a failed test.</summary>
    public override string ToString() => $"{_cluster}\n--- gateway\n{Gateway}";

    private string Directory(int place) => _directory.Of("silo-" + (char)('0' + place));
}
