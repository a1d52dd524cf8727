using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansKms.Silo.Clustering;
using OrleansKms.Silo.Clustering.Admission;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>A silo or a client in a host of its own, on loopback, with mutual TLS on real sockets.</summary>
internal sealed class TlsHost : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly IHost _host;

    private TlsHost(IHost host, TransportLog log, ConnectionCount connections, ConnectionCount toSilos) =>
        (_host, Log, Connections, ToSilos) = (host, log, connections, toSilos);

    public TransportLog Log { get; }

    /// <summary>A silo's connections to clients, or a client's to silos.</summary>
    public ConnectionCount Connections { get; }

    /// <summary>A silo's connections to silos, whoever has made them.</summary>
    public ConnectionCount ToSilos { get; }

    public IServiceProvider Services => _host.Services;

    public IEchoGrain Echo(string key) => Services.GetRequiredService<IGrainFactory>().GetGrain<IEchoGrain>(key);

    /// <summary>Calls until a call is answered: while a connection is made anew, calls may fail.</summary>
    public static async Task UntilServed(Func<Task> call)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await call().WaitAsync(patience.Token);
                return;
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or IOException)
            {
                await Task.Delay(100, patience.Token);
            }
        }
    }

    /// <param name="files">What the silo shows and whom it trusts.</param>
    /// <param name="siloPort">Its silo port.</param>
    /// <param name="clientPort">The client port on which it listens.</param>
    /// <param name="advertisedPort">The client port of which it speaks: clients address it by that one.</param>
    /// <param name="primaryPort">The silo port of the silo that keeps the membership.</param>
    /// <param name="clock">The clock of its certificates and handshakes.</param>
    /// <param name="maxClients">How many connections its client port holds.</param>
    /// <param name="maxCalls">How many calls of clients are in flight in it.</param>
    public static Task<TlsHost> StartSilo(
        MutualTlsFiles files, int siloPort, int clientPort, int? advertisedPort = null, int? primaryPort = null,
        TimeProvider? clock = null, int? maxClients = null, int? maxCalls = null) => Start((host, connections, toSilos) =>
        host.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(
                siloPort, advertisedPort ?? clientPort, new IPEndPoint(IPAddress.Loopback, primaryPort ?? siloPort));
            silo.Configure<EndpointOptions>(o => o.GatewayListeningEndpoint = new IPEndPoint(IPAddress.Loopback, clientPort));
            silo.Configure<ClusterOptions>(Name);
            silo.Configure<SiloConnectionOptions>(o =>
            {
                o.ConfigureGatewayInboundConnection(connections.Count);
                o.ConfigureSiloInboundConnection(toSilos.Count);
                o.ConfigureSiloOutboundConnection(toSilos.Count);
            });
            silo.UseMutualTls(files, clock ?? TimeProvider.System);
            if (maxClients is { } max) silo.Configure<ClientPortOptions>(port => port.MaxConnections = max);
            if (maxCalls is { } calls) silo.Configure<ClientPortOptions>(port => port.MaxCalls = calls);
            silo.Services.AddSingleton(new ExtraInterface(typeof(IEchoGrain)));
        }));

    public static Task<TlsHost> StartClient(
        MutualTlsFiles files, int[] ports, TimeProvider? clock = null, bool triesAgain = false) => Start((host, connections, _) =>
        host.UseOrleansClient(client =>
        {
            client.UseStaticClustering([.. ports.Select(port => new IPEndPoint(IPAddress.Loopback, port))]);
            client.Configure<ClusterOptions>(Name);
            // A test that expects a refusal waits for one, not for several.
            client.UseConnectionRetryFilter(async (_, stopping) =>
            {
                if (triesAgain) await Task.Delay(100, stopping);
                return triesAgain;
            });
            client.Configure<ClientConnectionOptions>(o => o.ConfigureConnection(connections.Count));
            client.UseMutualTls(files, clock ?? TimeProvider.System);
        }));

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private static void Name(ClusterOptions cluster) => (cluster.ClusterId, cluster.ServiceId) = ("tls", "tls");

    private static async Task<TlsHost> Start(Action<HostApplicationBuilder, ConnectionCount, ConnectionCount> configure)
    {
        var (log, connections, toSilos) = (new TransportLog(), new ConnectionCount(), new ConnectionCount());
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(log);
        configure(builder, connections, toSilos);
        var host = builder.Build();
        try
        {
            await host.StartAsync();
            return new(host, log, connections, toSilos);
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }
}

/// <summary>Counts connections from outside of TLS: when one is over there, nothing of it is left.</summary>
internal sealed class ConnectionCount
{
    private readonly Lock _turn = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Begun { get; private set; }

    public int Ended { get; private set; }

    public void Count(IConnectionBuilder builder) => builder.Use(next => async context =>
    {
        Change(() => Begun++);
        try
        {
            await next(context);
        }
        finally
        {
            Change(() => Ended++);
        }
    });

    public async Task Until(Func<ConnectionCount, bool> condition)
    {
        using var patience = new CancellationTokenSource(TlsHost.Patience);
        while (true)
        {
            Task changed;
            lock (_turn)
            {
                if (condition(this)) return;
                changed = _changed.Task;
            }
            await changed.WaitAsync(patience.Token);
        }
    }

    private void Change(Action change)
    {
        lock (_turn)
        {
            change();
            _changed.TrySetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
