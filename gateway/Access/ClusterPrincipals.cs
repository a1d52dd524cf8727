using System.Security.Cryptography;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// The cluster's administrator. The hash of the token is fetched in the background, so sign-in never waits. A replaced token is refused
/// within <see cref="RefusedWithin"/> while the cluster answers. While it does not, the last known token stays valid for as long as the
/// cluster said, so active keys keep working while the database is down.
/// </summary>
internal sealed partial class ClusterPrincipals : BackgroundService, IPrincipalSource
{
    /// <summary>The guaranteed bound. A fetch starts every 3 s and times out after 2 s.</summary>
    public static readonly TimeSpan RefusedWithin = TimeSpan.FromSeconds(10);

    /// <summary>How long an answer from a silo that does not say so stays valid if no newer one arrives.</summary>
    public static readonly TimeSpan HoldsFor = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How many grain ids to rotate through. A client routes all calls to one grain through the same silo while it can, and that silo may
    /// be the one that has lost the database.
    /// </summary>
    public const int Ways = 16;

    // A silo that can read the row is never this far behind.
    private static readonly TimeSpan _old = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _pauseAfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _pauseWhileUnknown = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    // Fetches end at most 5 s apart. A process whose last one is older was suspended, or too busy, and knows nothing before the next one.
    private static readonly TimeSpan _overdueAfter = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _late = TimeSpan.FromSeconds(6);
    private static readonly CredentialsQuery _query = new(new Caller("gateway", "gateway", "sign-in"));

    private readonly Func<int, CredentialsQuery, ValueTask<SignInCredentials>> _ask;
    private readonly ClusterLink _link;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private volatile Known? _known;
    private long _heardAt;
    private bool _failed;
    private bool _sawOlder;
    private int _way;

    /// <summary>Asks the cluster's grain.</summary>
    public ClusterPrincipals(Lazy<IGrainFactory> grains, ClusterLink link, TimeProvider time, ILogger<ClusterPrincipals> log)
        : this((way, query) => grains.Value.GetGrain<IAccessGrain>(way).ListCredentials(query), link, time, log)
    {
    }

    internal ClusterPrincipals(
        Func<int, CredentialsQuery, ValueTask<SignInCredentials>> ask, ClusterLink link, TimeProvider time, ILogger log) =>
        (_ask, _link, _time, _log) = (ask, link, time, log);

    /// <summary>What the cluster answered.</summary>
    /// <param name="TokenSha256">The hash, or null while there is no administrator.</param>
    /// <param name="TrueAt">When it was certainly true, in ticks of the clock.</param>
    /// <param name="HoldsFor">How long it stays valid from then.</param>
    /// <param name="Order">The highest order any silo has returned.</param>
    private sealed record Known(byte[]? TokenSha256, long TrueAt, TimeSpan HoldsFor, long Order);

    /// <inheritdoc/>
    public bool IsReady => Current is not null;

    private Known? Current => _known is { } known && _time.GetTimestamp() is var now && _time.GetElapsedTime(known.TrueAt, now) <= known.HoldsFor
        && _time.GetElapsedTime(Volatile.Read(ref _heardAt), now) <= _overdueAfter ? known : null;

    /// <inheritdoc/>
    public Principal? Find(ReadOnlySpan<char> token) =>
        Current is { TokenSha256: { } expected } && TokenHash.Matches(token, expected) ? Principal.Administrator : null;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await _link.Connected.WaitAsync(stoppingToken);
                var pause = await Fetch(stoppingToken) ? _period : _known is null ? _pauseWhileUnknown : _pauseAfterFailure;
                await Task.Delay(pause, _time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task<bool> Fetch(CancellationToken stopping)
    {
        var askedAt = _time.GetTimestamp();
        try
        {
            var answer = await _ask(_way, _query).AsTask().WaitAsync(_patience, _time, stopping);
            Volatile.Write(ref _heardAt, askedAt);
            if (answer.AdministratorTokenSha256 is not (null or { Length: SHA256.HashSizeInBytes }))
            {
                throw new InvalidOperationException("The cluster's answer is not a SHA-256.");
            }

            if (IsPutBack(answer))
            {
                AskAnother();
                return false;
            }

            // A silo that has lost the database returns what it read earlier; that does not make it newer.
            Keep(new(
                answer.AdministratorTokenSha256,
                askedAt - (long)(answer.Age.TotalSeconds * _time.TimestampFrequency),
                answer.HoldsFor > TimeSpan.Zero ? answer.HoldsFor : HoldsFor,
                Math.Max(answer.Order, _known?.Order ?? 0)));
            if (answer.Age > _old) AskAnother();
            else _failed = false;
            return true;
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            // Logged once per outage, not every second.
            if (!_failed) LogFailed(_log, e.GetType().Name, e.Message);
            _failed = true;

            // If it took longer, this process was late; that says nothing about the cluster.
            if (_time.GetElapsedTime(askedAt) < _late) Volatile.Write(ref _heardAt, _time.GetTimestamp());
            AskAnother();
            return false;
        }
    }

    /// <summary>
    /// Whether the answer is older than one seen before. A silo that started since may have read a restored row, and with it a token that
    /// was replaced.
    /// </summary>
    private bool IsPutBack(SignInCredentials answer)
    {
        // A silo of an older version sends no order. A current one sends 0 only together with no administrator.
        var isOlder = answer.Order < (_known?.Order ?? 0) && (answer.Order != 0 || answer.AdministratorTokenSha256 is null);
        if (isOlder && !_sawOlder) LogOlder(_log);
        _sawOlder = isOlder;
        return isOlder;
    }

    private void AskAnother() => _way = (_way + 1) % Ways;

    private void Keep(Known answer)
    {
        var known = _known;
        // Another silo has sent a newer answer: a token it had replaced must not come back.
        if (known is not null && answer.TrueAt < known.TrueAt) return;
        _known = answer;
        if (known is null || !answer.TokenSha256.AsSpan().SequenceEqual(known.TokenSha256))
        {
            LogNews(_log, answer.TokenSha256 is null ? "does not exist yet" : "is known");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Sign-in: the administrator's token {State}.")]
    private static partial void LogNews(ILogger log, string state);

    [LoggerMessage(3, LogLevel.Error, "Sign-in: a silo returned an older administrator's token than one seen before: the row was rolled back, and it is ignored.")]
    private static partial void LogOlder(ILogger log);

    [LoggerMessage(2, LogLevel.Warning, "Sign-in: cannot fetch the administrator's token from the cluster: {Kind}: {Reason}")]
    private static partial void LogFailed(ILogger log, string kind, string reason);
}
