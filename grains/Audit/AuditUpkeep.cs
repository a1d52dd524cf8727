using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Audit;

/// <summary>
/// The log's background work, once a second: stores its checkpoint in the database, records events of the installation from there, copies
/// records for search, and retries a log that could not be written. A failure is logged once and retried a second later.
/// </summary>
internal sealed partial class AuditUpkeep(
    AuditAnchors anchors, SystemEvents events, AuditCopying copying, AuditWitness witness, ILogger<AuditUpkeep> logger)
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, bool> _failing = new(StringComparer.Ordinal);
    private AuditAnchor? _unanchored;

    /// <summary>Passes on a new checkpoint.</summary>
    public void Anchor(AuditAnchor anchor) => Volatile.Write(ref _unanchored, anchor);

    /// <summary>Runs until cancelled.</summary>
    public async Task Run(AuditLog log, TrailFolder folder, CancellationToken stopping)
    {
        await Task.WhenAll(
            witness.Run(folder, stopping),
            EverySecond(() => Try("copy the audit trail for search", () => copying.Run(folder, stopping), stopping), stopping),
            EverySecond(
                async () =>
                {
                    await Try("store the audit trail's checkpoint", () => Anchor(stopping), stopping);
                    await Try("record events of the installation", () => TakeEvents(log, stopping), stopping);
                    await Try("resume the audit trail", log.TryResume, stopping);
                },
                stopping));
    }

    /// <summary>Moves events of the installation to the log.</summary>
    public Task TakeEventsNow(AuditLog log) =>
        Try("record events of the installation", () => TakeEvents(log, CancellationToken.None), CancellationToken.None);

    /// <summary>Stores the last checkpoint before the silo stops.</summary>
    public Task Finish(CancellationToken cancellationToken) =>
        Try("store the audit trail's checkpoint", () => Anchor(cancellationToken), cancellationToken);

    private static async Task EverySecond(Func<Task> work, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(_pause, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping)) await work();
        }
        catch (OperationCanceledException)
        {
        }
    }

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
            await DiskWork.Run(work);
            _failing.TryRemove(what, out _);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            if (_failing.TryAdd(what, true))
            {
                LogFailed(what, e);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The silo cannot {What}; retrying every second")]
    private partial void LogFailed(string what, Exception cause);
}
