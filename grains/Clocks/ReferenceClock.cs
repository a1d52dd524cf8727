using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Clocks;

/// <summary>The clock that this process's own is compared with before anything is erased.</summary>
internal abstract class ReferenceClock
{
    /// <summary>What the clock is, in words for the log.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Whether the clock can tell that this process's own is wrong. One that only notices a jump cannot say on which side of it
    /// the time was right.
    /// </summary>
    public abstract bool IsIndependent { get; }

    /// <summary>What time it is by this clock, UTC.</summary>
    public abstract Task<DateTimeOffset> Now(CancellationToken cancellationToken);
}

/// <summary>The clock of the Postgres server, which all silos share.</summary>
internal class DatabaseClock(Database database) : ReferenceClock
{
    /// <inheritdoc/>
    public override string Name => "the database's clock";

    /// <inheritdoc/>
    public override bool IsIndependent => true;

    /// <inheritdoc/>
    public override async Task<DateTimeOffset> Now(CancellationToken cancellationToken) =>
        await database.ReadTime(cancellationToken) ?? throw new InvalidOperationException("internal error: the database has no clock.");
}

/// <summary>
/// The time at the start of this process plus what the machine has counted since. An embedded database is on the same machine, so
/// there is no second clock to ask; but this one does not follow when the machine's is set forward while the process runs.
/// </summary>
internal sealed class UptimeClock(TimeProvider time, BootClock boot) : ReferenceClock
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _bootedAt = boot.Now;

    /// <inheritdoc/>
    public override string Name => "the time that has passed since this process started";

    /// <inheritdoc/>
    public override bool IsIndependent => false;

    /// <inheritdoc/>
    public override Task<DateTimeOffset> Now(CancellationToken cancellationToken) =>
        Task.FromResult(_startedAt.AddTicks((boot.Now - _bootedAt) / TimeSpan.NanosecondsPerTick));
}
