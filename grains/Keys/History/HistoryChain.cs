using System.Globalization;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.History;

/// <summary>
/// A key's history: each change of the row <c>key</c> appends an event to it, in the same write. Only when the row already holds
/// <see cref="MaxEvents"/> events does a change write one more row.
/// </summary>
/// <param name="blocks">Where events move when the row is full.</param>
/// <param name="keyId">The key.</param>
/// <param name="self">The caller in events that a key causes itself.</param>
internal sealed class HistoryChain(HistoryBlocks blocks, string keyId, Caller self)
{
    /// <summary>The maximum number of events in the row <c>key</c>, and so in a block.</summary>
    public const int MaxEvents = 16;

    /// <summary>The total length in bytes at which events move earlier.</summary>
    public const int MaxBytes = 4096;

    /// <summary>The reason in an event that follows a restore of the database.</summary>
    public const string Restored = "restored";

    /// <summary>Moves events out of the row if it is full, so that the change itself stays one write.</summary>
    /// <returns>The newest block.</returns>
    public async Task<int> MakeRoom(KeyRow row) =>
        row.History is not { } history ? 0
        : IsFull(history) ? await blocks.Keep(history, row.Incarnation)
        : history.Block;

    /// <summary>The row to write for a change, including its event.</summary>
    /// <param name="row">The key before; null for a new key.</param>
    /// <param name="next">The key after.</param>
    /// <param name="revision">The row's new revision.</param>
    /// <param name="cause">The change.</param>
    /// <param name="now">The time.</param>
    /// <param name="epoch">The restore epoch.</param>
    public async Task<KeyRow> Append(KeyRow? row, KeyRow next, long revision, ChangeCause cause, DateTimeOffset now, int epoch)
    {
        var block = row is null ? 0 : await MakeRoom(row);
        var history = row?.History is not { } before
            ? new KeyHistory { Count = 0, Head = new byte[HistoryEventFormat.HashLength], Whole = row is null, Newest = [] }
            : block == before.Block ? before : before with { Block = block, Newest = [] };
        var wanted = new HistoryEvent
        {
            Number = 0,
            Previous = [],
            Time = now,
            Revision = revision,
            Action = cause.Action,
            Principal = cause.Caller.Principal,
            Source = cause.Caller.Source,
            RequestId = cause.Caller.RequestId,
            Credential = cause.Caller.Credential,
            Version = cause.Version ?? (next.PrimaryVersion != (row?.PrimaryVersion ?? 0) ? next.PrimaryVersion : null),
            Reason = cause.Reason ?? ChangeReasons.Of(row, next),
            Epoch = epoch,
        };
        if (row?.History is { } last && EpochOf(last) < epoch)
        {
            history = Extended(history, next.Incarnation, Restoring(wanted, last));
        }

        return next with { History = Extended(history, next.Incarnation, wanted) };
    }

    private static bool IsFull(KeyHistory history) =>
        history.Newest.Count >= MaxEvents || history.Newest.Sum(e => e.Length) >= MaxBytes;

    private static int EpochOf(KeyHistory history) =>
        history.Newest is [.., var newest] && HistoryEventFormat.TryDecode(newest) is { } read ? read.Epoch : int.MaxValue;

    // The chain continues from the backup. What happened after it is in the audit trail, and in blocks if they still exist.
    private HistoryEvent Restoring(HistoryEvent next, KeyHistory last) => next with
    {
        Action = "keys:" + Restored,
        Principal = self.Principal,
        Source = self.Source,
        RequestId = self.RequestId,
        Credential = null,
        Version = null,
        Reason = string.Create(
            CultureInfo.InvariantCulture, $"the database was restored; whatever followed event {last.Count} before that is not in this chain"),
    };

    private KeyHistory Extended(KeyHistory history, Incarnation incarnation, HistoryEvent wanted)
    {
        var bytes = HistoryEventFormat.Encode(wanted with { Number = history.Count + 1, Previous = history.Head });
        return history with
        {
            Count = history.Count + 1,
            Head = HistoryEventFormat.Hash(keyId, incarnation, bytes),
            Newest = [.. history.Newest, bytes],
        };
    }
}
