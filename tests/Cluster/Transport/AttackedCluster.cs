using System.Globalization;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Internals;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>A cluster of two silos, as processes, with certificates as an operator makes them, and one key.</summary>
public class AttackedCluster : IAsyncLifetime
{
    internal Certificates Certificates { get; } = new();

    internal ClusterProcesses Cluster { get; private set; } = null!;

    internal ServiceProcess First => Cluster.Processes[0];

    internal ServiceProcess Second => Cluster.Processes[1];

    internal int ClientPort { get; } = ServiceProcess.FreePort();

    internal int OtherClientPort { get; } = ServiceProcess.FreePort();

    internal Victim Here { get; private set; } = null!;

    internal Victim Other { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var files = Certificates.Silo("silo");
        Cluster = await ClusterProcesses.Prepare(
            ("OKMS_TLS_CA", files.AuthorityFile), ("OKMS_TLS_CERT", files.CertificateFile), ("OKMS_TLS_KEY", files.KeyFile),
            ("OKMS_ADVERTISED_ADDRESS", "127.0.0.1"), ClusterProcesses.WithGateway, Special);
        var first = await Cluster.StartSilo(ClusterProcesses.WithGateway, ("OKMS_CLIENT_PORT", ClientPort.ToString(CultureInfo.InvariantCulture)));
        Here = await ActiveSilo();
        await Cluster.StartSilo(ClusterProcesses.WithGateway, ("OKMS_CLIENT_PORT", OtherClientPort.ToString(CultureInfo.InvariantCulture)));
        await Cluster.UntilActive(2);
        Other = await ActiveSilo(except: Here);
        await first.Http.Create("attacked");
    }

    public async Task DisposeAsync()
    {
        await Cluster.DisposeAsync();
        Certificates.Dispose();
    }

    /// <summary>What its silos are set to besides.</summary>
    protected virtual (string Name, string? Value) Special => ("OKMS_DASHBOARD", "false");

    /// <summary>A client of the first silo, with all roles of a gateway unless told otherwise.</summary>
    internal Task<Attacker> Connect(string name, params string[] roles) => Attacker.Connect(Sign(name, roles), ClientPort);

    internal MutualTlsFiles Sign(string name, params string[] roles) =>
        Certificates.Sign(name, roles is [] ? ["okms:gateway", "okms:client"] : roles, [Certificates.ClientUsage]);

    /// <summary>What an attack could change.</summary>
    internal async Task<string> State() => string.Join('\n',
        await Cluster.Scalar("SELECT string_agg(port::text || ':' || generation || ':' || status, ',' ORDER BY port) FROM okms_membership"),
        await Cluster.Scalar("SELECT count(*) FROM okms_kek"),
        await Cluster.Scalar("SELECT count(*) FROM okms_reminder"),
        await Cluster.Scalar("SELECT string_agg(row_name || ' of ' || grain_key || ' ' || version, ',' ORDER BY grain_key, row_name) FROM okms_row"));

    private async Task<Victim> ActiveSilo(Victim? except = null)
    {
        var silo = (string)(await Cluster.Scalar(FormattableString.Invariant(
            $"SELECT port || ':' || generation FROM okms_membership WHERE status = 3 AND port <> {except?.SiloPort ?? 0}")))!;
        var parts = silo.Split(':');
        return new(int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
    }
}

/// <summary>The same without the check of what clients send: see the startup hook of tests/Internals.</summary>
public sealed class UnguardedCluster : AttackedCluster
{
    /// <inheritdoc/>
    protected override (string Name, string? Value) Special => ("DOTNET_STARTUP_HOOKS", typeof(StartupHook).Assembly.Location);
}
