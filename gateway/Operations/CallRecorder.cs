using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Reports what this gateway answers itself, mostly refusals, to a silo for the audit trail: one message at a time, with everything that
/// came meanwhile. So a flood costs the silos one call per round trip at most. Beyond some hundred pending calls, those of one kind become
/// one record with a count. While no silo answers, calls are kept, up to a bound, and reported later; no caller waits for that, since
/// nothing was done or revealed.
/// </summary>
internal sealed partial class CallRecorder
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private static readonly Caller _self = new("gateway", "gateway", "audit");

    private readonly Lock _lock = new();
    private WaitingCalls _waiting = new();
    private bool _isSending;
    private bool _isFailing;

    private readonly Func<GatewayCalls, Task> _hand;
    private readonly ClusterLink _link;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    /// <summary>Reports calls to the cluster's grain.</summary>
    public CallRecorder(Lazy<IGrainFactory> grains, ClusterLink link, TimeProvider time, ILogger<CallRecorder> log)
        : this(calls => grains.Value.GetGrain<IAuditGrain>(0).Record(calls), link, time, log)
    {
    }

    internal CallRecorder(Func<GatewayCalls, Task> hand, ClusterLink link, TimeProvider time, ILogger log) =>
        (_hand, _link, _time, _log) = (hand, link, time, log);

    /// <summary>Completes when a silo has recorded the call, or when it is queued for later.</summary>
    /// <exception cref="KmsException">audit_unavailable: a silo could not record it, so its answer must be withheld.</exception>
    public Task Record(GatewayCall call)
    {
        Task recorded;
        lock (_lock)
        {
            recorded = _waiting.Add(call);
            if (!_isSending)
            {
                _isSending = true;
                _ = Send();
            }
        }

        return _link.IsConnected ? Wait(recorded) : Task.CompletedTask;
    }

    private async Task Wait(Task recorded)
    {
        try
        {
            await recorded.WaitAsync(_patience, _time);
        }
        catch (TimeoutException)
        {
            // No silo has said that it cannot record it; it stays queued.
        }
    }

    private async Task Send()
    {
        // Outside of any request, so that its deadline and retries do not apply.
        RequestTime.Current = null;
        await Task.Yield();
        while (Take() is { } batch)
        {
            try
            {
                await _hand(Message(batch.Calls));
                batch.Recorded();
                _isFailing = false;
            }
            catch (KmsException e)
            {
                // The waiting callers return that instead.
                batch.Refused(e);
            }
            catch (Exception e)
            {
                if (!_isFailing) LogKept(_log, e.GetType().Name, e.Message);
                _isFailing = true;
                PutBack(batch);
                await Task.Delay(_pause, _time);
            }
        }
    }

    // An object used twice in a message travels as a reference, which silos accept from no client; calls of one batch share theirs.
    private static GatewayCalls Message(GatewayCall[] calls) =>
        new(_self, Array.ConvertAll(calls, call => call with { Caller = call.Caller with { } }));

    private WaitingCalls? Take()
    {
        lock (_lock)
        {
            if (_waiting.IsEmpty)
            {
                _isSending = false;
                return null;
            }

            var batch = _waiting;
            _waiting = new();
            return batch;
        }
    }

    private void PutBack(WaitingCalls batch)
    {
        lock (_lock)
        {
            foreach (var call in _waiting.Calls) batch.Add(call);
            _waiting.Recorded();
            _waiting = new(batch);
        }

        batch.Recorded();
    }

    [LoggerMessage(1, LogLevel.Warning, "Cannot report refusals to a silo for the audit trail; retrying later: {Kind}: {Reason}")]
    private static partial void LogKept(ILogger log, string kind, string reason);
}

/// <summary>Calls waiting to be recorded. Their number is bounded, whatever comes.</summary>
internal sealed class WaitingCalls
{
    /// <summary>Up to this number, each call is one record; beyond it, calls of one kind share one.</summary>
    public const int MaxSingle = 200;

    /// <summary>The maximum number of kinds; further calls are distinguished only by operation and outcome.</summary>
    public const int MaxKinds = 1000;

    private const int MaxTimes = 65_536;
    private static readonly Caller _many = new("many", "many", "-");

    private readonly List<GatewayCall> _calls = [];
    private readonly Dictionary<(string, string, string, string, string?), int> _kinds = [];
    private readonly TaskCompletionSource _recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>An empty collection.</summary>
    public WaitingCalls()
    {
    }

    /// <summary>The same calls, with no caller waiting for them yet.</summary>
    public WaitingCalls(WaitingCalls others)
    {
        foreach (var call in others._calls) Add(call);
    }

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _calls.Count == 0;

    /// <summary>The calls.</summary>
    public GatewayCall[] Calls => [.. _calls];

    /// <summary>Adds a call.</summary>
    /// <returns>Completes when it is recorded.</returns>
    public Task Add(GatewayCall call)
    {
        if (_calls.Count < MaxSingle)
        {
            _calls.Add(call);
            return _recorded.Task;
        }

        if (_calls.Count >= MaxKinds && !_kinds.ContainsKey(Kind(call)))
        {
            call = call with { Caller = _many, KeyId = null };
        }

        var kind = Kind(call);
        if (_kinds.TryGetValue(kind, out var at) && _calls[at].Times + call.Times is var times and <= MaxTimes)
        {
            _calls[at] = _calls[at] with { Times = times };
        }
        else if (_calls.Count < GatewayCalls.MaxCalls)
        {
            _kinds[kind] = _calls.Count;
            _calls.Add(call);
        }

        return _recorded.Task;
    }

    /// <summary>Marks them as recorded, or as not to be waited for.</summary>
    public void Recorded() => _recorded.TrySetResult();

    /// <summary>Marks them as impossible to record.</summary>
    public void Refused(KmsException reason)
    {
        _recorded.TrySetException(reason);
        // Observed here, since nobody may be waiting.
        _ = _recorded.Task.Exception;
    }

    private static (string, string, string, string, string?) Kind(GatewayCall call) =>
        (call.Operation, call.Outcome, call.Caller.Principal, call.Caller.Source, call.KeyId);
}
