using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>
/// The windows of a key's limits. A removed limit's window stays until its last use has left it: an activation that does not know the limit
/// yet must not lose what another has counted.
/// </summary>
internal sealed class LimitWindows(TimeProvider time)
{
    private LimitWindow[] _all = [];
    private LimitWindow[]?[] _byOperation = [];
    private IReadOnlyList<LimitRule>? _rules;
    private LimitWindow[] _asking = [];
    private long _wanted;
    private bool _hasStopped;

    /// <summary>Whether there are reserved uses for which the row is not yet exact.</summary>
    public bool HasReserved => Array.Exists(_all, w => w.HasReserved);

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Spends a use of every window that counts an operation, if each has one reserved.</summary>
    /// <param name="rules">The key's limits.</param>
    /// <param name="operation">The operation.</param>
    public bool TrySpend(IReadOnlyList<LimitRule> rules, KmsOperation operation)
    {
        var windows = Of(rules, operation);
        if (windows.Length == 0)
        {
            return true;
        }

        var now = Now;
        if (!CanSpend(windows, now))
        {
            return false;
        }

        foreach (var window in windows)
        {
            window.Spend(now);
        }

        return true;
    }

    /// <summary>The windows that count an operation.</summary>
    public LimitWindow[] Of(IReadOnlyList<LimitRule> rules, KmsOperation operation)
    {
        if (!ReferenceEquals(rules, _rules))
        {
            Take(rules);
        }

        return _byOperation[operation.Index] ??= [.. rules.Where(r => LimitRules.Counts(r.Of, operation)).Select(r => Window(r.Of, r.Per))];
    }

    /// <summary>Whether each of these windows has a use reserved.</summary>
    public bool CanSpend(LimitWindow[] windows) => CanSpend(windows, Now);

    /// <summary>Refuses if a window is full.</summary>
    /// <exception cref="KmsException">rate_limited, for the window that has room last.</exception>
    public void RequireRoom(LimitWindow[] windows)
    {
        var now = Now;
        var full = windows.Where(w => !w.CanSpend(now) && w.Room(now) < 1).MaxBy(w => w.Wait(now));
        if (full is not null)
        {
            throw LimitRules.Refusal("the key", new(full.Count, full.Per, full.Of), full.Wait(now));
        }
    }

    /// <summary>Makes the next write reserve uses.</summary>
    public void Ask(LimitWindow[] windows, long wanted) => (_asking, _wanted) = (windows, wanted);

    /// <summary>Whether two rows have the same counts.</summary>
    public static bool AreSame(IReadOnlyList<WindowUsage>? one, IReadOnlyList<WindowUsage>? other) =>
        (one ?? []).SequenceEqual(other ?? [], EqualityComparer<WindowUsage>.Create(
            (a, b) => a!.Of == b!.Of && a.Per == b.Per && a.Spent.SequenceEqual(b.Spent)));

    /// <summary>Resumes a stored row.</summary>
    public void Resume(IReadOnlyList<WindowUsage>? stored)
    {
        if (_all.Length == 0 && stored is null)
        {
            return;
        }

        var now = Now;
        foreach (var window in _all)
        {
            window.Resume([], now);
        }

        foreach (var window in stored ?? [])
        {
            Window(window.Of, window.Per).Resume(window.Spent, now);
        }
    }

    /// <summary>Gives up all reservations.</summary>
    public void GiveUp()
    {
        foreach (var window in _all)
        {
            window.GiveUp();
        }
    }

    /// <summary>Notes that no more uses will be made.</summary>
    public void Stop() => _hasStopped = true;

    /// <summary>The values for the next row; null for none.</summary>
    public IReadOnlyList<WindowUsage>? ToStored()
    {
        if (_all.Length == 0)
        {
            return null;
        }

        var now = Now;
        var stored = new List<WindowUsage>(_all.Length);
        foreach (var window in _all)
        {
            var wanted = _asking.Contains(window) && !window.CanSpend(now) ? _wanted : 0;
            var usage = window.ToStored(now, wanted, _hasStopped);
            if (usage.Spent.Count > 0)
            {
                stored.Add(usage);
            }
        }

        _asking = [];
        return stored.Count > 0 ? stored : null;
    }

    /// <summary>Notes that the result of <see cref="ToStored"/> was written.</summary>
    public void Saved()
    {
        if (_all.Length == 0)
        {
            return;
        }

        var now = Now;
        foreach (var window in _all)
        {
            window.Saved(now);
        }
    }

    private bool CanSpend(LimitWindow[] windows, long now)
    {
        if (_hasStopped)
        {
            return false;
        }

        foreach (var window in windows)
        {
            if (!window.CanSpend(now))
            {
                return false;
            }
        }

        return true;
    }

    private void Take(IReadOnlyList<LimitRule> rules)
    {
        _rules = rules;
        _byOperation = new LimitWindow[]?[KmsOperation.All.Count];
        foreach (var window in _all)
        {
            window.Count = 0;
        }

        foreach (var rule in rules)
        {
            Window(rule.Of, rule.Per).Count = rule.Count;
        }
    }

    private LimitWindow Window(string of, TimeSpan per)
    {
        var window = Array.Find(_all, w => w.Of == of && w.Per == per);
        if (window is null)
        {
            _all = [.. _all, window = new(of, per)];
        }

        return window;
    }
}
