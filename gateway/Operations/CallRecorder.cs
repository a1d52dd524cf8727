using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Hands what this gateway answers itself, nearly all of it refusals, to a silo for the audit trail: one message at a time, with
/// all that came meanwhile. So a flood costs the silos no more than one call each round trip, and beyond some hundred waiting
/// calls those of one kind become one record that says how many they were. While no silo answers they are kept, up to a bound, and
/// handed over later; nobody waits for that, since nothing was done and nothing was told.
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

    /// <summary>Hands calls to the cluster's grain.</summary>
    public CallRecorder(Lazy<IGrainFactory> grains, ClusterLink link, TimeProvider time, ILogger<CallRecorder> log)
        : this(calls => grains.Value.GetGrain<IAuditGrain>(0).Record(calls), link, time, log)
    {
    }

    internal CallRecorder(Func<GatewayCalls, Task> hand, ClusterLink link, TimeProvider time, ILogger log) =>
        (_hand, _link, _time, _log) = (hand, link, time, log);

    /// <summary>Completes when a silo has recorded the call, or when it is kept for later.</summary>
    /// <exception cref="KmsException">audit_unavailable: a silo could not record it, so its answer must not leave.</exception>
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
            // The silo has not said that it cannot; it stays handed over.
        }
    }

    private async Task Send()
    {
        // Outside of any request: its deadline and its repeated calls are none of this.
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
                // Whoever waits answers that instead.
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

    // An object that stands twice in a message travels as a reference, which silos take from no client; calls of one batch share theirs.
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

    [LoggerMessage(1, LogLevel.Warning, "Refusals cannot be handed to a silo for the audit trail, and are kept for later: {Kind}: {Reason}")]
    private static partial void LogKept(ILogger log, string kind, string reason);
}

/// <summary>Calls that wait to be recorded. It holds a bounded number, whatever comes.</summary>
internal sealed class WaitingCalls
{
    /// <summary>So many calls are one record each; beyond, those of one kind are one together.</summary>
    public const int MaxSingle = 200;

    /// <summary>So many kinds are told apart; those beyond differ by operation and outcome only.</summary>
    public const int MaxKinds = 1000;

    private const int MaxTimes = 65_536;
    private static readonly Caller _many = new("many", "many", "-");

    private readonly List<GatewayCall> _calls = [];
    private readonly Dictionary<(string, string, string, string, string?), int> _kinds = [];
    private readonly TaskCompletionSource _recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Nothing waits.</summary>
    public WaitingCalls()
    {
    }

    /// <summary>The same calls, for which nobody waits yet.</summary>
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

    /// <summary>They are recorded, or need not be waited for.</summary>
    public void Recorded() => _recorded.TrySetResult();

    /// <summary>They cannot be recorded.</summary>
    public void Refused(KmsException reason)
    {
        _recorded.TrySetException(reason);
        // Where nobody waits, nobody looks either.
        _ = _recorded.Task.Exception;
    }

    private static (string, string, string, string, string?) Kind(GatewayCall call) =>
        (call.Operation, call.Outcome, call.Caller.Principal, call.Caller.Source, call.KeyId);
}
