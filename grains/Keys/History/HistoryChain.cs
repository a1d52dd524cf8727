using System.Globalization;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.History;

/// <summary>
/// A key's history: each change of the row <c>key</c> adds an event to it, in the same write. Only when the row holds
/// <see cref="MaxEvents"/> of them does a change write one row more.
/// </summary>
/// <param name="blocks">Where events go when the row holds many.</param>
/// <param name="keyId">The key.</param>
/// <param name="self">Who a key is where it does something by itself.</param>
internal sealed class HistoryChain(HistoryBlocks blocks, string keyId, Caller self)
{
    /// <summary>How many events the row <c>key</c> holds, and so a block.</summary>
    public const int MaxEvents = 16;

    /// <summary>From how many bytes of events on they move, though they are fewer.</summary>
    public const int MaxBytes = 4096;

    /// <summary>What an event says that follows a restore of the database.</summary>
    public const string Restored = "restored";

    /// <summary>Moves events out of the row where it is full, so that the change that follows is one write.</summary>
    /// <returns>The newest block.</returns>
    public async Task<int> MakeRoom(KeyRow row) =>
        row.History is not { } history ? 0
        : IsFull(history) ? await blocks.Keep(history, row.Incarnation)
        : history.Block;

    /// <summary>The row that is written for a change: with its event.</summary>
    /// <param name="row">The key before; null for one that is made.</param>
    /// <param name="next">The key after.</param>
    /// <param name="revision">The revision that the row gets.</param>
    /// <param name="cause">What the change is.</param>
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

    // The chain goes on from what the backup knew. What had happened since is in the audit trail, and in blocks if those are left.
    private HistoryEvent Restoring(HistoryEvent next, KeyHistory last) => next with
    {
        Action = "keys:" + Restored,
        Principal = self.Principal,
        Source = self.Source,
        RequestId = self.RequestId,
        Credential = null,
        Version = null,
        Reason = string.Create(
            CultureInfo.InvariantCulture, $"the database was put back; what followed event {last.Count} before that is not in this chain"),
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
