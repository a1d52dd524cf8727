namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>Waits between attempts at a call: after the time that the service names, or longer each time, until it takes too long.</summary>
/// <param name="longest">How long the service may be without an answer.</param>
/// <param name="time">The clock.</param>
internal sealed class Patience(TimeSpan longest, TimeProvider time)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    private long _since = time.GetTimestamp();
    private TimeSpan _pause = _firstPause;

    /// <summary>Whether time mends a failure.</summary>
    // A proxy whose service is gone answers too, and not as the service does.
    public static bool Mends(VerbException failure) => failure.ExitCode is ExitCode.TryLater || failure.Code is "unreachable" or "no_answer" or "not_okms" or "internal";

    /// <summary>Sends a call until it is answered.</summary>
    /// <exception cref="VerbException">It was refused for good, or for too long.</exception>
    public static async Task<ServiceAnswer> Send(
        Func<ServiceCall, CancellationToken, Task<ServiceAnswer>> send, ServiceCall call, TimeSpan longest, TimeProvider time, CancellationToken cancellationToken)
    {
        var patience = new Patience(longest, time);
        while (true)
        {
            try
            {
                return await send(call, cancellationToken);
            }
            catch (VerbException e) when (Mends(e))
            {
                await patience.Wait(e, cancellationToken);
            }
        }
    }

    /// <summary>There was an answer, so the waiting begins anew.</summary>
    public void Renew() => (_since, _pause) = (time.GetTimestamp(), _firstPause);

    /// <summary>Waits.</summary>
    /// <param name="why">Why.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="VerbException">The failure, if it lasted too long, or the service names a time that would be.</exception>
    public async Task Wait(VerbException why, CancellationToken cancellationToken)
    {
        var elapsed = time.GetElapsedTime(_since);
        if (elapsed > longest || (why.RetryAfter is { } named && named > longest - elapsed)) throw why;
        var wait = why.RetryAfter > _pause ? why.RetryAfter.Value : _pause;
        // Jitter, so that callers who failed together do not come back together.
        await Task.Delay(wait * (1 + (Random.Shared.NextDouble() / 4)), time, cancellationToken);
        _pause = _pause * 2 < _longestPause ? _pause * 2 : _longestPause;
    }
}
