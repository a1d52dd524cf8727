using System.Diagnostics.Metrics;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Reports what this gateway answers itself, mostly refusals, to a silo for the audit trail: one message at a time, with everything that
/// came meanwhile. So a flood costs the silos one call per round trip at most. Beyond some hundred pending calls, those of one kind become
/// one record with a count. A call that cannot be recorded in time gets <c>audit_unavailable</c> instead of its answer. While this gateway
/// is connected to no silo, calls are answered at once, kept up to a bound, and reported later: nothing can be done or revealed meanwhile.
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

    /// <summary>Completes when a silo has recorded the call or, while none can be reached, when it is queued for later.</summary>
    /// <exception cref="KmsException">audit_unavailable: it was not recorded in time, so its answer must be withheld.</exception>
    public Task Record(GatewayCall call)
    {
        Task<WaitingCalls?>? recorded;
        lock (_lock)
        {
            recorded = _waiting.Add(call);
            if (!_link.IsConnected) _waiting.HasAnswered = true;
            if (!_isSending)
            {
                _isSending = true;
                _ = Send();
            }
        }

        return !_link.IsConnected ? Task.CompletedTask : recorded is null ? Task.FromException(NotInTime()) : Wait(recorded);
    }

    private async Task Wait(Task<WaitingCalls?> recorded)
    {
        for (var since = _time.GetTimestamp(); ;)
        {
            try
            {
                var left = _patience - _time.GetElapsedTime(since);
                if (await recorded.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time) is not { } kept) return;
                recorded = kept.Outcome;
            }
            catch (TimeoutException)
            {
                // It stays queued, and may yet be recorded as what it would have been.
                if (_link.IsConnected) throw NotInTime();
                return;
            }

            if (!_link.IsConnected) return;
        }
    }

    private static KmsException NotInTime() =>
        KmsError.AuditUnavailable.Exception("The answer was not recorded in the audit trail in time, so it is withheld; try again.");

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
                // The waiting callers return that instead. Others were answered while no silo could be reached.
                batch.Refused(e);
                if (batch.HasAnswered) await Keep(batch);
            }
            catch (Exception e)
            {
                if (!_isFailing) LogKept(_log, e.GetType().Name, e.Message);
                _isFailing = true;
                await Keep(batch);
            }
        }
    }

    private async Task Keep(WaitingCalls batch)
    {
        PutBack(batch);
        await Task.Delay(_pause, _time);
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
            var kept = new WaitingCalls(batch, _waiting) { HasAnswered = batch.HasAnswered || _waiting.HasAnswered || !_link.IsConnected };
            _waiting.KeptIn(kept);
            batch.KeptIn(kept);
            _waiting = kept;
        }
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

    private static readonly Counter<long> _lost = new Meter(RepeatedCalls.MeterName).CreateCounter<long>(
        "audit_calls_lost", description: "Calls answered by this gateway itself that had no room to wait for the audit trail.");

    private static readonly Caller _many = new("many", "many", "-");

    private readonly List<GatewayCall> _calls = [];
    private readonly Dictionary<(string, string, string, string, string?, string?), int> _kinds = [];
    private readonly TaskCompletionSource<WaitingCalls?> _recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>An empty collection.</summary>
    public WaitingCalls()
    {
    }

    /// <summary>The same calls, in order.</summary>
    public WaitingCalls(params ReadOnlySpan<WaitingCalls> others)
    {
        foreach (var other in others)
        {
            foreach (var call in other._calls) Add(call);
        }
    }

    /// <summary>Whether some were answered without being recorded.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>Completes when they are recorded: with null, or with those that they are kept in to be tried again.</summary>
    public Task<WaitingCalls?> Outcome => _recorded.Task;

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _calls.Count == 0;

    /// <summary>The calls.</summary>
    public GatewayCall[] Calls => [.. _calls];

    /// <summary>Adds a call.</summary>
    /// <returns><see cref="Outcome"/>; null if there is no room for it.</returns>
    public Task<WaitingCalls?>? Add(GatewayCall call)
    {
        if (_calls.Count < MaxSingle)
        {
            _calls.Add(call);
            return _recorded.Task;
        }

        if (_calls.Count >= MaxKinds && !_kinds.ContainsKey(Kind(call)))
        {
            call = call with { Caller = _many, KeyId = null, Detail = null };
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
        else
        {
            _lost.Add(call.Times);
            return null;
        }

        return _recorded.Task;
    }

    /// <summary>Marks them as recorded.</summary>
    public void Recorded() => _recorded.TrySetResult(null);

    /// <summary>They were not recorded, and are kept to be tried again.</summary>
    public void KeptIn(WaitingCalls kept) => _recorded.TrySetResult(kept);

    /// <summary>Marks them as impossible to record.</summary>
    public void Refused(KmsException reason)
    {
        _recorded.TrySetException(reason);
        // Observed here, since nobody may be waiting.
        _ = _recorded.Task.Exception;
    }

    private static (string, string, string, string, string?, string?) Kind(GatewayCall call) =>
        (call.Operation, call.Outcome, call.Caller.Principal, call.Caller.Source, call.KeyId, call.Detail);
}
