using System.Collections.Concurrent;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// Caches principals by their credentials, so that a request costs no call to the cluster. Once a second the cluster says which entries are
/// stale, so that a revocation takes effect within <see cref="RevokedWithin"/>. A silo that has lost the database knows of no new ones; then
/// the silo that makes the changes is asked, which has it. While no silo answers, cached entries stay valid for as long as the cluster said;
/// but a gateway that was suspended, or too busy to poll, first asks what was revoked meanwhile.
/// </summary>
internal sealed partial class KnownPrincipals : BackgroundService
{
    /// <summary>The guaranteed bound. A silo reads twice a second; a poll starts every second and asks two silos for a second each.</summary>
    public static readonly TimeSpan RevokedWithin = TimeSpan.FromSeconds(5);

    /// <summary>How long an unknown credential is not looked up again.</summary>
    public static readonly TimeSpan UnknownFor = TimeSpan.FromSeconds(10);

    /// <summary>The maximum number of cached credentials, and of cached unknown ones.</summary>
    public const int MaxKept = 20_000;

    /// <summary>The maximum number of concurrent lookups; further ones return <see cref="LookupState.CannotTell"/>.</summary>
    public const int MaxAsked = 64;

    private const int Attempts = 3;
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _pauseWhileUnknown = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _patienceOfPolls = TimeSpan.FromSeconds(1);

    // A silo that can read the ledger is never this far behind.
    private static readonly TimeSpan _old = TimeSpan.FromSeconds(1);

    // Polls begin at most 3 s apart, and a silo's answer is at most half a second old: together that is less than the bound.
    private static readonly TimeSpan _overdueAfter = TimeSpan.FromSeconds(4);
    private static readonly Caller _self = new("gateway", "gateway", "sign-in");

    private readonly Func<int, IAccessFactsGrain> _cluster;
    private readonly Func<AccessChangesQuery, ValueTask<AccessChanges>>? _changer;
    private readonly ClusterLink _link;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, KnownCredential> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, KnownCredential>.AlternateLookup<ReadOnlySpan<char>> _byText;
    private readonly ConcurrentDictionary<string, long> _unknown = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task<Lookup>> _asked = new(StringComparer.Ordinal);
    private volatile Truth? _truth;
    private volatile PollOutcome? _heard;
    private Task<bool> _asking = Task.FromResult(false);
    private CancellationToken _stopping;
    private long _order;
    private int _generation;
    private int _way;
    private bool _failed;

    /// <summary>Asks the cluster's grain.</summary>
    public KnownPrincipals(Lazy<IGrainFactory> grains, ClusterLink link, TimeProvider time, ILogger<KnownPrincipals> log)
        : this(
            way => grains.Value.GetGrain<IAccessFactsGrain>(way), link, time, log,
            query => grains.Value.GetGrain<IPrincipalsGrain>(IPrincipalsGrain.Key).Changes(query))
    {
    }

    internal KnownPrincipals(
        Func<int, IAccessFactsGrain> cluster, ClusterLink link, TimeProvider time, ILogger log,
        Func<AccessChangesQuery, ValueTask<AccessChanges>>? changer = null)
    {
        (_cluster, _link, _time, _log, _changer) = (cluster, link, time, log, changer);
        _byText = _known.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>When the whole cache was certainly valid, and for how long it stays so.</summary>
    private sealed record Truth(long At, TimeSpan HoldsFor);

    /// <summary>The last poll whose outcome is known: when it began or, if nobody answered, when it failed.</summary>
    private sealed record PollOutcome(long At);

    /// <summary>Whether the cache can be relied on.</summary>
    public bool IsCurrent => _truth is { } truth && _time.GetElapsedTime(truth.At) <= truth.HoldsFor;

    /// <summary>Whether the last poll is so long ago that no request may rely on the cache before the next one.</summary>
    private bool IsOverdue => _heard is not { } heard || _time.GetElapsedTime(heard.At) > _overdueAfter;

    /// <summary>The cached entry of a credential; null if it must be looked up.</summary>
    public KnownCredential? Kept(ReadOnlySpan<char> name) => !IsOverdue && IsCurrent && _byText.TryGetValue(name, out var known) ? known : null;

    /// <summary>Whether a credential was recently looked up and found unknown.</summary>
    public bool IsUnknown(string name) => _unknown.TryGetValue(name, out var since) && _time.GetElapsedTime(since) < UnknownFor;

    /// <summary>Looks a credential up in the cluster. Concurrent lookups of the same credential share one call.</summary>
    /// <returns>The principal, or null with the reason. It is cached, unless it changed meanwhile.</returns>
    public async Task<(LookupState State, KnownCredential? Known)> Ask(string name)
    {
        if (!IsCurrent || (IsOverdue && !await CatchUp())) return (LookupState.CannotTell, null);
        if (Kept(name) is { } kept) return (LookupState.Found, kept);
        if (IsUnknown(name)) return default;
        if (_asked.Count >= MaxAsked && !_asked.ContainsKey(name)) return (LookupState.CannotTell, null);
        var answer = new TaskCompletionSource<Lookup>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = _asked.GetOrAdd(name, answer.Task);
        if (asked != answer.Task)
        {
            await asked;
            return Kept(name) is { } same ? (LookupState.Found, same) : (IsUnknown(name) ? LookupState.Nobody : LookupState.CannotTell, null);
        }

        try
        {
            return await AskCluster(name);
        }
        finally
        {
            _asked.TryRemove(name, out _);
            answer.SetResult(default);
        }
    }

    /// <summary>Polls for changes at once, for a gateway that has just made one.</summary>
    public async Task Refresh()
    {
        try
        {
            await Poll(readsAnew: true, CancellationToken.None);
        }
        catch (Exception e)
        {
            // The next poll is due within a second.
            LogFailed(_log, e.GetType().Name, e.Message);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _stopping = stoppingToken;
        try
        {
            while (true)
            {
                await _link.Connected.WaitAsync(stoppingToken);
                var isTold = await PollShared();
                await Task.Delay(isTold || _truth is not null ? _period : _pauseWhileUnknown, _time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    /// <summary>Polls before a request is answered.</summary>
    /// <returns>Whether a poll ended in time, with or without an answer.</returns>
    private async Task<bool> CatchUp()
    {
        // The poll in flight may have begun before this process was suspended.
        for (var i = 0; i < 2 && IsOverdue && !_stopping.IsCancellationRequested; i++)
        {
            await PollShared();
        }

        return !IsOverdue;
    }

    /// <summary>Polls; concurrent callers share one poll.</summary>
    private Task<bool> PollShared()
    {
        lock (_lock)
        {
            return _asking.IsCompleted ? _asking = Begin() : _asking;
        }

        async Task<bool> Begin()
        {
            // Never within the lock of whoever begins it.
            await Task.Yield();
            return await TryPoll(_stopping);
        }
    }

    private async Task<bool> TryPoll(CancellationToken stopping)
    {
        var askedAt = _time.GetTimestamp();
        try
        {
            await Poll(readsAnew: false, stopping);
            _failed = false;
            return true;
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            // If it took longer, this process was late; that says nothing about the cluster.
            if (_time.GetElapsedTime(askedAt) < _overdueAfter - _period) Hear(_time.GetTimestamp());

            // Logged once per outage, not every second.
            if (!_failed) LogFailed(_log, e.GetType().Name, e.Message);
            _failed = true;
            AskAnother();
            return false;
        }
    }

    /// <summary>
    /// Asks one silo and, if that one does not answer or has lost the database, the one that makes the changes. A gateway that is part of
    /// a silo can reach no other by <see cref="_way"/>.
    /// </summary>
    private async Task Poll(bool readsAnew, CancellationToken stopping)
    {
        var query = new AccessChangesQuery(_self, Volatile.Read(ref _order), readsAnew);
        try
        {
            if (await Take(_cluster(_way).Changes, query, stopping) <= _old) return;
        }
        catch (Exception) when (_changer is not null && !stopping.IsCancellationRequested)
        {
            await Take(_changer, query, stopping);
            AskAnother();
            return;
        }

        AskAnother();
        try
        {
            if (_changer is not null) await Take(_changer, query, stopping);
        }
        catch (Exception) when (!stopping.IsCancellationRequested)
        {
            // Nobody has the database: what the first silo has said holds for as long as it said.
        }
    }

    /// <summary>Takes in what one silo tells.</summary>
    /// <returns>How old that is.</returns>
    private async Task<TimeSpan> Take(Func<AccessChangesQuery, ValueTask<AccessChanges>> ask, AccessChangesQuery query, CancellationToken stopping)
    {
        var askedAt = _time.GetTimestamp();
        var changes = await ask(query).AsTask().WaitAsync(_patienceOfPolls, _time, stopping);
        lock (_lock)
        {
            if (changes.Order < _order)
            {
                // As is to be expected of a silo that could not read since.
                if (changes.Age > _old) return changes.Age;
                throw new InvalidOperationException("A silo returned an older state of principals than one seen before: the ledger was rolled back, and it is ignored.");
            }

            // A silo without its database returns what it read earlier; that does not make it newer.
            var trueAt = askedAt - (long)(changes.Age.TotalSeconds * _time.TimestampFrequency);
            if (_truth is not { } truth || trueAt >= truth.At)
            {
                Forget(changes);
                (_order, _truth) = (changes.Order, new(trueAt, changes.HoldsFor));
            }

            Hear(askedAt);
            return changes.Age;
        }
    }

    private void Hear(long at)
    {
        lock (_lock)
        {
            if (_heard is not { } heard || at > heard.At) _heard = new(at);
        }
    }

    private void Forget(AccessChanges changes)
    {
        if (!changes.Everything && changes.Names.Length == 0) return;
        // A lookup in progress may have read its row before the change.
        _generation++;
        _unknown.Clear();
        var names = changes.Names.ToHashSet(StringComparer.Ordinal);
        foreach (var (name, known) in _known)
        {
            if (changes.Everything || names.Contains("principal:" + known.Facts.Name)
                || Array.Exists(known.Facts.Policies, policy => names.Contains("policy:" + policy.Name)))
            {
                _known.TryRemove(name, out _);
            }
        }
    }

    private async Task<(LookupState State, KnownCredential? Known)> AskCluster(string name)
    {
        KnownCredential? known = null;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var generation = Volatile.Read(ref _generation);
            try
            {
                var found = await _cluster(_way).Find(new(_self, name)).AsTask().WaitAsync(_patience, _time);
                known = found.Principal is { } facts ? new(name, facts) : null;
            }
            catch (Exception e)
            {
                LogNotFound(_log, e.GetType().Name, e.Message);
                AskAnother();
                return (LookupState.CannotTell, null);
            }

            if (Keep(name, known, generation)) break;
        }

        return known is null ? default : (LookupState.Found, known);
    }

    private bool Keep(string name, KnownCredential? known, int generation)
    {
        lock (_lock)
        {
            if (generation != _generation) return false;
            if (known is not null)
            {
                if (_known.Count >= MaxKept) _known.Clear();
                _known[name] = known;
            }
            else
            {
                if (_unknown.Count >= MaxKept) _unknown.Clear();
                _unknown[name] = _time.GetTimestamp();
            }

            return true;
        }
    }

    private void AskAnother() => _way = (_way + 1) % ClusterPrincipals.Ways;

    [LoggerMessage(1, LogLevel.Warning, "Sign-in: cannot poll the cluster for changed principals: {Kind}: {Reason}")]
    private static partial void LogFailed(ILogger log, string kind, string reason);

    [LoggerMessage(2, LogLevel.Warning, "Sign-in: cannot look up a credential in the cluster: {Kind}: {Reason}")]
    private static partial void LogNotFound(ILogger log, string kind, string reason);
}
