using Microsoft.Extensions.Hosting;

namespace OrleansKms.Grains.Hsm;

/// <summary>Probes the HSM every few seconds, so that a health check costs nothing and waits for nothing.</summary>
internal sealed class HsmProbe(HsmToken hsm, HsmOptions options, TimeProvider time) : BackgroundService
{
    /// <inheritdoc/>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // The start has already checked what it needs of the HSM: see StorageStart.
        hsm.Serve();
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.ProbeInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await hsm.Probe(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo is stopping.
        }
    }
}
