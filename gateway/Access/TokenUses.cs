using System.Collections.Concurrent;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// When tokens were last used, to the minute. Uses are sent to the cluster in batches, off the request path. A failed send is retried; a
/// crash loses the last few seconds.
/// </summary>
internal sealed partial class TokenUses(Lazy<IGrainFactory> grains, ClusterLink link, TimeProvider time, ILogger<TokenUses> log) : BackgroundService
{
    private const int Together = 16;
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(5);
    private static readonly Caller _self = new("gateway", "gateway", "token-uses");

    private readonly ConcurrentDictionary<string, (string Principal, long Minute)> _uses = new(StringComparer.Ordinal);

    /// <summary>Records that a token is used now.</summary>
    public void Note(KnownCredential token, DateTimeOffset now)
    {
        var minute = now.UtcTicks / TimeSpan.TicksPerMinute;
        if (token.TokenId is { } id && token.UsedAt(minute)) _uses[id] = (token.Facts.Name, minute);
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await HandOver(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_period, time, stoppingToken);
                await HandOver(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task HandOver(CancellationToken cancellationToken)
    {
        if (!link.IsConnected) return;
        foreach (var some in _uses.ToArray().Chunk(Together))
        {
            await Task.WhenAll(some.Select(use => HandOver(use, cancellationToken)));
        }
    }

    private async Task HandOver(KeyValuePair<string, (string Principal, long Minute)> use, CancellationToken cancellationToken)
    {
        try
        {
            var at = new DateTimeOffset(use.Value.Minute * TimeSpan.TicksPerMinute, TimeSpan.Zero);
            await grains.Value.GetGrain<ITokenUsesGrain>(use.Value.Principal).Note(new(_self, use.Key, at)).WaitAsync(cancellationToken);
            // Kept if the token was used again meanwhile.
            _uses.TryRemove(use);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotNoted(log, e.GetType().Name, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The process is stopping, and the cluster does not answer.
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "The last use of a token is not recorded yet: {Kind}: {Reason}")]
    private static partial void LogNotNoted(ILogger log, string kind, string reason);
}
