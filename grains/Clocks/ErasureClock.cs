using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Clocks;

/// <summary>A reading of two clocks at one moment.</summary>
/// <param name="Own">This process's.</param>
/// <param name="Reference">The reference clock.</param>
public readonly record struct ClockReading(DateTimeOffset Own, DateTimeOffset Reference)
{
    /// <summary>The earlier of both: what is due by it is due by either.</summary>
    public DateTimeOffset Earlier => Own < Reference ? Own : Reference;

    /// <summary>The later of both: a delay that starts at it ends too soon by neither.</summary>
    public DateTimeOffset Later => Own > Reference ? Own : Reference;
}

/// <summary>
/// The time for what cannot be undone. One clock that is wrong by a year would end every waiting period at once, so an erasure
/// must be due by two clocks: this process's, and the database's. An embedded database has no clock of its own; there the second
/// is the time that has passed since the process started.
/// </summary>
/// <remarks>
/// Two clocks cannot tell when both are wrong alike, as on one machine whose clock was wrong before the process started.
/// </remarks>
public sealed partial class ErasureClock
{
    // A waiting key is asked about often; the log hears of it once in a while.
    private static readonly TimeSpan _quiet = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _time;
    private readonly ReferenceClock _reference;
    private readonly ILogger _logger;
    private long _saidAt;

    /// <summary>Compares a clock with another.</summary>
    internal ErasureClock(TimeProvider time, ReferenceClock reference, ILogger<ErasureClock> logger) =>
        (_time, _reference, _logger) = (time, reference, logger);

    /// <summary>Reads both clocks.</summary>
    /// <exception cref="StorageFailedException">The database did not return the time.</exception>
    public async Task<ClockReading> Read(CancellationToken cancellationToken = default)
    {
        try
        {
            var reference = await _reference.Now(cancellationToken);
            return new(_time.GetUtcNow(), reference);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            throw new StorageFailedException("The database did not return the time.", outcomeUnknown: false, e);
        }
    }

    /// <summary>The end of a waiting period that begins now, too soon by neither clock.</summary>
    /// <exception cref="StorageFailedException">The database did not return the time.</exception>
    public async Task<DateTimeOffset> After(TimeSpan delay, CancellationToken cancellationToken = default) =>
        (await Read(cancellationToken)).Later + delay;

    /// <summary>
    /// Whether a time is past by both clocks. The second is read only when the first says so: erasures are rare, and what is not
    /// due yet costs nothing.
    /// </summary>
    /// <exception cref="StorageFailedException">The database did not return the time.</exception>
    public async Task<bool> IsPast(DateTimeOffset at, CancellationToken cancellationToken = default)
    {
        if (_time.GetUtcNow() < at)
        {
            return false;
        }

        var reading = await Read(cancellationToken);
        if (reading.Earlier >= at)
        {
            return true;
        }

        var (last, now) = (Volatile.Read(ref _saidAt), _time.GetTimestamp());
        if ((last == 0 || _time.GetElapsedTime(last, now) >= _quiet) && Interlocked.CompareExchange(ref _saidAt, now, last) == last)
        {
            LogNotDue(_reference.Name, reading.Own, reading.Reference);
        }

        return false;
    }

    [LoggerMessage(LogLevel.Warning, "An erasure is due by this process's clock ({Own:u}) but not by {Reference} ({Other:u}): "
        + "nothing is erased until both agree")]
    private partial void LogNotDue(string reference, DateTimeOffset own, DateTimeOffset other);
}
