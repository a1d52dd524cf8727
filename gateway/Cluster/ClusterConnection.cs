namespace OrleansKms.Gateway.Cluster;

/// <summary>
/// Keeps the Orleans client connected. It starts in the background, so that the process listens at once, answers probes and
/// refuses wrong web server settings, however long the cluster is away. When every connection is lost it requests a new one,
/// since the client by itself connects only when there is something to send.
/// </summary>
internal sealed partial class ClusterConnection(
    IClusterClient client, ClusterLink link, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<ClusterConnection> log)
    : IHostedService, IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(125);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(2);
    private static readonly HealthQuery _query = new(new Caller("gateway", "gateway", "reconnect"));

    private readonly IHostedService _client = (IHostedService)client;
    private readonly CancellationTokenSource _stopping = new();
    private Task _starting = Task.CompletedTask;
    private Task _keeping = Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _starting = Task.Run(() => Connect(_stopping.Token), CancellationToken.None);
        _keeping = Task.Run(() => Keep(_stopping.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_starting, _keeping).WaitAsync(cancellationToken);
        if (link.IsStarted) await _client.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    private async Task Connect(CancellationToken stopping)
    {
        try
        {
            // The client waits for a silo's answer without checking whether it should stop.
            await _client.StartAsync(stopping).WaitAsync(stopping);
            link.Start();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The process was told to stop while it was still waiting for the cluster.
        }
        catch (Exception e)
        {
            // Expected failures are waited out inside; this is a defect, and StopAsync hands it to the host.
            LogFailed(log, e);
            lifetime.StopApplication();
            throw;
        }
    }

    private async Task Keep(CancellationToken stopping)
    {
        try
        {
            // A link that breaks at once is lost without ever having been up.
            await _starting.WaitAsync(stopping);
            while (link.IsStarted)
            {
                await link.Lost.WaitAsync(stopping);
                // Each attempt also reads the list of silos, so attempts slow down during a long outage.
                for (var pause = _firstPause; !await Reconnect(); pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
                {
                    await Task.Delay(pause, time, stopping);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Nothing is left to keep.
        }
    }

    private async Task<bool> Reconnect()
    {
        try
        {
            await client.GetGrain<IHealthGrain>(0).Check(_query).AsTask().WaitAsync(_patience, time);
            return link.IsConnected;
        }
        catch (Exception e)
        {
            LogNotYet(log, e.Message);
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Critical, "The Orleans client cannot start.")]
    private static partial void LogFailed(ILogger log, Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "Not reconnected yet: {Reason}")]
    private static partial void LogNotYet(ILogger log, string reason);
}
