using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Audit;

/// <summary>
/// What is done for a log each second, off the path of any operation: its checkpoint goes to the database, what changed the
/// installation comes from there, records are copied for search, and a log that could not be written is tried again. What fails is told
/// once and done again a second later.
/// </summary>
internal sealed partial class AuditUpkeep(
    AuditAnchors anchors, SystemEvents events, AuditCopying copying, AuditWitness witness, ILogger<AuditUpkeep> logger)
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _failing = new(StringComparer.Ordinal);
    private AuditAnchor? _unanchored;

    /// <summary>There is a new checkpoint.</summary>
    public void Anchor(AuditAnchor anchor) => Volatile.Write(ref _unanchored, anchor);

    /// <summary>Goes on until it is told to stop.</summary>
    public async Task Run(AuditLog log, TrailFolder folder, CancellationToken stopping)
    {
        var witnessing = witness.Run(folder, stopping);
        using var timer = new PeriodicTimer(_pause, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
            {
                await Try("keep checkpoints of the audit trail", () => Anchor(stopping), stopping);
                await Try("tell what happened to the installation", () => TakeEvents(log, stopping), stopping);
                await Try("copy the audit trail for search", () => copying.Run(folder, stopping), stopping);
                await Try("resume the audit trail", log.TryResume, stopping);
            }
        }
        catch (OperationCanceledException)
        {
        }

        await witnessing;
    }

    /// <summary>Moves what changed the installation to the log.</summary>
    public Task TakeEventsNow(AuditLog log) =>
        Try("tell what happened to the installation", () => TakeEvents(log, CancellationToken.None), CancellationToken.None);

    /// <summary>Keeps the last checkpoint, at the end.</summary>
    public Task Finish(CancellationToken cancellationToken) =>
        Try("keep checkpoints of the audit trail", () => Anchor(cancellationToken), cancellationToken);

    private async Task Anchor(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _unanchored) is { } anchor)
        {
            await anchors.Keep(anchor, cancellationToken);
            Interlocked.CompareExchange(ref _unanchored, null, anchor);
        }
    }

    private async Task TakeEvents(AuditLog log, CancellationToken cancellationToken)
    {
        while (await events.TryMove(Keep, cancellationToken))
        {
        }

        Task Keep(SystemEvent happened) => log.Write(new(happened.Action, AuditRecord.Ok)
        {
            At = happened.At,
            Caller = new("okms", happened.Source, "-"),
            Detail = happened.Detail,
        }).AsTask();
    }

    private async Task Try(string what, Func<Task> work, CancellationToken stopping)
    {
        try
        {
            await work();
            _failing.Remove(what);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            if (_failing.Add(what))
            {
                LogFailed(what, e);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The silo cannot {What}; it tries again every second")]
    private partial void LogFailed(string what, Exception cause);
}
