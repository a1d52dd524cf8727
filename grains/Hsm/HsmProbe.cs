using Microsoft.Extensions.Hosting;

namespace OrleansKms.Grains.Hsm;

/// <summary>Asks the HSM every few seconds whether it works, so that a health check costs and waits for nothing.</summary>
internal sealed class HsmProbe(HsmToken hsm, HsmOptions options, TimeProvider time) : BackgroundService
{
    /// <inheritdoc/>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // What the start needs of the HSM came before: see StorageStart.
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
            // The silo stops.
        }
    }
}
