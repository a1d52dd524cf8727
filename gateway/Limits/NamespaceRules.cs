using System.Collections.Frozen;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// The limits of all namespaces, fetched every second. While the cluster does not answer, the last known ones apply; before the first
/// answer, none do.
/// </summary>
internal sealed partial class NamespaceRules(Lazy<IGrainFactory> grains, ClusterLink link, TimeProvider time, ILogger<NamespaceRules> log)
    : BackgroundService
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);
    private static readonly NamespaceLimitsQuery _query = new(new Caller("gateway", "gateway", "limits"));

    private volatile FrozenDictionary<string, NamespaceLimits> _rules = FrozenDictionary<string, NamespaceLimits>.Empty;
    private long _order = -1;
    private bool _failed;

    /// <summary>Whether no namespace has limits.</summary>
    public bool IsEmpty => _rules.Count == 0;

    /// <summary>The limits of a namespace; null if it has none.</summary>
    /// <param name="prefix">The namespace.</param>
    public NamespaceLimits? Of(ReadOnlySpan<char> prefix) =>
        _rules.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(prefix, out var limits) ? limits : null;

    /// <summary>Fetches them now.</summary>
    public async Task Fetch(CancellationToken stopping)
    {
        try
        {
            var answer = await grains.Value.GetGrain<INamespaceLimitsGrain>(INamespaceLimitsGrain.Key).List(_query).WaitAsync(_patience, time, stopping);
            if (answer.Order >= _order)
            {
                _order = answer.Order;
                _rules = answer.Namespaces.ToFrozenDictionary(one => one.Prefix, StringComparer.Ordinal);
            }

            _failed = false;
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            // Logged once per outage, not every second.
            if (!_failed) LogFailed(log, e.GetType().Name, e.Message);
            _failed = true;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await link.Connected.WaitAsync(stoppingToken);
                await Fetch(stoppingToken);
                await Task.Delay(_period, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Namespace limits: cannot fetch them from the cluster: {Kind}: {Reason}")]
    private static partial void LogFailed(ILogger log, string kind, string reason);
}
