namespace OrleansKms.Gateway.Cluster;

/// <summary>
/// Whether this process can reach the grains. A silo can once it has started. A separate process can once the Orleans client has
/// started, while it holds a connection to at least one silo.
/// </summary>
internal sealed partial class ClusterLink : IClusterConnectionStatusObserver
{
    /// <summary>
    /// How long after all connections broke a request waits for a new one. A client holds connections to the silos that it has
    /// used; when those have all been replaced, others answer within milliseconds, or later on a busy machine. After that a
    /// request is refused at once.
    /// </summary>
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ILogger? _log;
    private TaskCompletionSource _connected = NewSource();
    private TaskCompletionSource _lost = NewSource();
    private volatile bool _isConnected;
    private volatile bool _isStarted;
    private int _connections;
    private long _lostAt;

    /// <summary>The link of a separate process, not connected yet.</summary>
    public ClusterLink(TimeProvider time, ILogger<ClusterLink> log)
    {
        _time = time;
        _log = log;
        IsRemote = true;
        _lost.SetResult();
    }

    private ClusterLink(bool hasStarted)
    {
        _time = TimeProvider.System;
        if (hasStarted) SiloHasStarted();
    }

    /// <summary>The link of a silo to itself.</summary>
    public static ClusterLink InProcess { get; } = new(hasStarted: true);

    /// <summary>The link to itself of a silo that has yet to start.</summary>
    public static ClusterLink OfStartingSilo() => new(hasStarted: false);

    /// <summary>Whether the grains are in other processes.</summary>
    public bool IsRemote { get; }

    /// <summary>Whether the Orleans client has started.</summary>
    public bool IsStarted => _isStarted;

    /// <summary>Whether a call has a chance.</summary>
    public bool IsConnected => _isConnected;

    /// <summary>Completes when the link is up; at once if it is.</summary>
    public Task Connected
    {
        get
        {
            lock (_lock) return _connected.Task;
        }
    }

    /// <summary>Completes when the link is broken; at once if it is, or was never up.</summary>
    public Task Lost
    {
        get
        {
            lock (_lock) return _lost.Task;
        }
    }

    /// <summary>The Orleans client has started: it knows the cluster's grains.</summary>
    public void Start()
    {
        lock (_lock)
        {
            _isStarted = true;
            Update();
        }
    }

    /// <summary>The silo in this process has started.</summary>
    public void SiloHasStarted()
    {
        lock (_lock)
        {
            _isConnected = true;
            _connected.TrySetResult();
        }
    }

    /// <summary>Whether the link is up, after a short wait if it has only just broken.</summary>
    /// <param name="most">How long the wait may take.</param>
    public async ValueTask<bool> IsConnectedSoon(TimeSpan most)
    {
        if (_isConnected || !_isStarted) return _isConnected;
        var left = _grace - _time.GetElapsedTime(Volatile.Read(ref _lostAt));
        if (left > most) left = most;
        if (left <= TimeSpan.Zero) return false;
        try
        {
            await Connected.WaitAsync(left, _time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void NotifyGatewayCountChanged(int currentNumberOfGateways, int previousNumberOfGateways, bool connectionRecovered)
    {
        lock (_lock)
        {
            // The counts can arrive in the wrong order; their differences add up in any order.
            _connections += currentNumberOfGateways - previousNumberOfGateways;
            Update();
        }
    }

    /// <inheritdoc/>
    public void NotifyClusterConnectionLost()
    {
        // The count says so as well.
    }

    private void Update()
    {
        var isConnected = _isStarted && _connections > 0;
        if (isConnected == _isConnected) return;
        if (isConnected)
        {
            _isConnected = true;
            _lost = NewSource();
            _connected.SetResult();
            if (_log is not null) LogConnected(_log);
        }
        else
        {
            Volatile.Write(ref _lostAt, _time.GetTimestamp());
            _isConnected = false;
            _connected = NewSource();
            _lost.SetResult();
            if (_log is not null) LogLost(_log);
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(1, LogLevel.Information, "Connected to the cluster.")]
    private static partial void LogConnected(ILogger log);

    [LoggerMessage(2, LogLevel.Warning, "Every connection to the cluster is lost. Requests are answered 503 until a silo answers.")]
    private static partial void LogLost(ILogger log);
}
