using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>
/// Caches an issuer's public keys. They are refreshed in the background, and when a token names an unknown key; the latter at most every
/// <see cref="MinPause"/>, so that invented key ids cause no load. While the issuer is unreachable, the last known keys stay valid for
/// <see cref="HoldFor"/>.
/// </summary>
/// <param name="issuer">The issuer.</param>
/// <param name="read">Fetches the issuer's key set.</param>
/// <param name="time">The clock.</param>
/// <param name="log">The log.</param>
internal sealed partial class IssuerKeys(JwtIssuer issuer, Func<CancellationToken, Task<byte[]>> read, TimeProvider time, ILogger log)
{
    /// <summary>The refresh interval: how long a withdrawn key is still accepted.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(15);

    /// <summary>The refresh interval of keys in a file.</summary>
    public static readonly TimeSpan FileFreshFor = TimeSpan.FromSeconds(5);

    /// <summary>The minimum time between two refreshes caused by tokens.</summary>
    public static readonly TimeSpan MinPause = TimeSpan.FromSeconds(5);

    /// <summary>How long known keys stay valid while the issuer is unreachable.</summary>
    public static readonly TimeSpan HoldFor = TimeSpan.FromDays(1);

    /// <summary>How many sign-ins may wait for a refresh; further ones get <see cref="LookupState.CannotTell"/>.</summary>
    public const int MaxWaiting = 64;

    private static readonly TimeSpan _maxPauseAfterFailure = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private volatile Known? _known;
    private volatile bool _isAway;
    private Task? _reading;
    private long? _readAt;
    private int _waiting;

    /// <summary>Keys, and when they were certainly the issuer's.</summary>
    private sealed record Known(IssuerKeySet Keys, long At);

    /// <summary>The issuer.</summary>
    public JwtIssuer Issuer => issuer;

    /// <summary>The current keys; null while they are unknown. A different instance means that they changed.</summary>
    public IssuerKeySet? Current => _known is { } known && time.GetElapsedTime(known.At) <= HoldFor ? known.Keys : null;

    /// <summary>Whether the last refresh failed.</summary>
    public bool IsAway => _isAway;

    /// <summary>Finds the key that a token is signed with, refreshing the keys if necessary.</summary>
    /// <returns>
    /// The key and its set; <see cref="LookupState.Nobody"/> if the issuer has no such key, <see cref="LookupState.CannotTell"/> if it cannot
    /// be asked.
    /// </returns>
    public async ValueTask<(LookupState State, IssuerKeySet? Keys, IssuerKey? Key)> Find(string? keyId, string algorithm)
    {
        if (Current is { } known && known.Find(keyId, algorithm) is { } key) return (LookupState.Found, known, key);
        if (!await RefreshIfDue()) return (LookupState.CannotTell, null, null);
        return Current is not { } keys ? (LookupState.CannotTell, null, null)
            : keys.Find(keyId, algorithm) is { } found ? (LookupState.Found, keys, found)
            : (_isAway ? LookupState.CannotTell : LookupState.Nobody, null, null);
    }

    /// <summary>Refreshes the keys until the process stops.</summary>
    public async Task KeepFresh(CancellationToken stopping)
    {
        var pauseAfterFailure = MinPause;
        while (true)
        {
            await Refresh().WaitAsync(stopping);

            // A file needs no sparing: whoever replaces or repairs it waits no longer after failures.
            await Task.Delay(issuer.KeyFile is not null ? FileFreshFor : _isAway ? pauseAfterFailure : FreshFor, time, stopping);
            pauseAfterFailure = !_isAway ? MinPause : 2 * pauseAfterFailure < _maxPauseAfterFailure ? 2 * pauseAfterFailure : _maxPauseAfterFailure;
        }
    }

    /// <summary>Refreshes the keys now, or joins the refresh in progress.</summary>
    public Task Refresh()
    {
        lock (_lock) return _reading is { IsCompleted: false } reading ? reading : _reading = Read();
    }

    private async Task<bool> RefreshIfDue()
    {
        Task reading;
        lock (_lock)
        {
            var isReading = _reading is { IsCompleted: false };
            if (!isReading && _readAt is { } at && time.GetElapsedTime(at) < MinPause) return true;
            if (_waiting >= MaxWaiting) return false;
            _waiting++;
            reading = isReading ? _reading! : _reading = Read();
        }

        try
        {
            await reading;
            return true;
        }
        finally
        {
            lock (_lock) _waiting--;
        }
    }

    // The caller holds the lock, so nothing of the fetch may run here.
    private Task Read()
    {
        _readAt = time.GetTimestamp();
        return Task.Run(ReadNow);
    }

    private async Task ReadNow()
    {
        var askedAt = time.GetTimestamp();
        try
        {
            using var patience = new CancellationTokenSource(IssuerDocuments.Patience, time);
            Keep(IssuerKeySet.Parse(await read(patience.Token)), askedAt);
            if (_isAway) LogBack(log, issuer.Name);
            _isAway = false;
        }
        catch (Exception e)
        {
            // Logged once per outage.
            if (!_isAway) LogAway(log, issuer.Name, e.GetType().Name, e.Message);
            _isAway = true;
        }
    }

    private void Keep(IssuerKeySet keys, long at)
    {
        if (_known is { } known && known.Keys.IsSame(keys))
        {
            _known = known with { At = at };
            return;
        }

        _known = new(keys, at);
        LogKeys(log, issuer.Name, keys.Count);
    }

    [LoggerMessage(1, LogLevel.Information, "Sign-in: the JWT issuer {Issuer} has {Count} usable keys.")]
    private static partial void LogKeys(ILogger log, string issuer, int count);

    [LoggerMessage(2, LogLevel.Warning, "Sign-in: cannot fetch the keys of the JWT issuer {Issuer}; known keys stay valid for a day: {Kind}: {Reason}")]
    private static partial void LogAway(ILogger log, string issuer, string kind, string reason);

    [LoggerMessage(3, LogLevel.Information, "Sign-in: the JWT issuer {Issuer} is reachable again.")]
    private static partial void LogBack(ILogger log, string issuer);
}
