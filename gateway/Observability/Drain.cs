using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Observability;

/// <summary>
/// The first step of a graceful stop: readiness turns off while the server still takes requests, for as long as load
/// balancers need to notice.
/// </summary>
internal sealed class Drain(HealthProbe health, ClusterLink link, GatewayOptions options, TimeProvider time) : IHostedLifecycleService
{
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        health.Stop();
        // No load balancer has been told that a silo is ready which never was.
        return options.DrainDelay > TimeSpan.Zero && (link.IsRemote || link.IsConnected)
            ? Task.Delay(options.DrainDelay, time, cancellationToken)
            : Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
