using System.Globalization;
using OrleansKms.Tests.Cluster.Processes;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>A silo that no longer reaches the others, while all of them still reach the database.</summary>
[Trait("Category", "Faults")]
[Collection(Alone.Name)]
public sealed class PartitionTests(ITestOutputHelper log)
{
    private const int Silos = 3;

    [NetworkNamespaceFact]
    public async Task SiloCutOffFromTheOthers_NoKeyHasTwoPrimaries_AndNothingIsLost()
    {
        using var directory = new TemporaryDirectory();
        using var network = new NetworkNamespaces(Silos);
        await using var postgres = await PostgresServer.Create((network.Middle, NetworkNamespaces.MiddleAddress));
        var token = await CreateAdministrator(network, directory, postgres);
        var silos = Enumerable.Range(0, Silos).Select(i => Launch(network, i, directory, postgres)).ToArray();
        try
        {
            foreach (var silo in silos)
            {
                await silo.Until("/health/ready");
            }

            await using var balancer = new Balancer(token, Enumerable.Range(0, Silos).Select(i => Socket(directory, i)));
            await balancer.UntilReady(Silos);
            var seed = Random.Shared.Next();
            log.WriteLine($"seed {seed}");
            using var load = new ClusterLoad(balancer, "cut", seed);
            using var history = new History(load, silos, log);
            await load.Start();
            await load.UntilProgress(300);

            network.Cut(0, 1);
            network.Cut(0, 2);

            // The two that still see each other give the first up, and it finds that in the database and ends.
            Assert.NotEqual(0, await silos[0].Exited());
            await load.UntilProgress(300);
            network.Join(0, 1);
            network.Join(0, 2);
            await silos[0].DisposeAsync();
            silos[0] = Launch(network, 0, directory, postgres);
            await silos[0].Until("/health/ready");
            await load.UntilProgress(300);
            await load.StopAndVerify();
            log.WriteLine($"{load.Acknowledged} acknowledged, {load.Failures.Count} failed");
        }
        finally
        {
            foreach (var silo in silos)
            {
                await silo.DisposeAsync();
            }
        }
    }

    private static string Socket(TemporaryDirectory directory, int silo) =>
        directory.Of(string.Create(CultureInfo.InvariantCulture, $"silo{silo}"));

    private static Dictionary<string, string?> Environment(int silo, TemporaryDirectory directory, PostgresServer postgres) => new()
    {
        ["DATABASE_URL"] = postgres.Url,
        ["OKMS_DATA_DIR"] = directory.Of("data"),
        ["OKMS_ADVERTISED_ADDRESS"] = NetworkNamespaces.Address(silo),
        ["OKMS_INSECURE_CLUSTER_NETWORK"] = "true",
        ["OKMS_INSECURE_DATABASE_CONNECTION"] = "true",
        ["OKMS_GATEWAY"] = "true",
    };

    private static ServiceProcess Launch(NetworkNamespaces network, int silo, TemporaryDirectory directory, PostgresServer postgres)
    {
        File.Delete(Socket(directory, silo));
        return ServiceProcess.LaunchIn(network.Name(silo), directory.Path, Socket(directory, silo), Environment(silo, directory, postgres));
    }

    private static async Task<string> CreateAdministrator(NetworkNamespaces network, TemporaryDirectory directory, PostgresServer postgres)
    {
        var file = directory.Of("token");
        await using var command = ServiceProcess.LaunchIn(
            network.Middle, directory.Path, directory.Of("unused"), Environment(0, directory, postgres), "create-administrator", "--token-file", file);
        Assert.True(await command.Exited() == 0, command.ToString());
        return (await File.ReadAllTextAsync(file)).Trim();
    }

    /// <summary>Tells in the end what the silos have said of keys that contradicted themselves.</summary>
    private sealed class History(ClusterLoad load, ServiceProcess[] silos, ITestOutputHelper log) : IDisposable
    {
        private readonly ServiceProcess[] _first = [.. silos];

        public void Dispose()
        {
            var ids = load.ViolatedKeys.Select(id => $"{id}\"").ToList();
            if (ids.Count == 0)
            {
                return;
            }

            foreach (var (silo, i) in _first.Concat(silos).Distinct().Select((silo, i) => (silo, i)))
            {
                // A fence that gets no answer from the database allows more than one that does.
                foreach (var line in silo.Output.Where(
                    line => line.Contains(".Fencing.", StringComparison.Ordinal) || ids.Exists(id => line.Contains(id, StringComparison.Ordinal))))
                {
                    log.WriteLine($"silo {i}: {line}");
                }
            }
        }
    }
}
