using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>A change of the row <c>key</c>: prepared from the newest row, committed, reported.</summary>
internal static class RowChange
{
    /// <summary>
    /// Prepares a change of the newest row. A write proves by its version that it followed the newest row. A change without
    /// effect, or a refusal, proves nothing: another activation may have changed the key since this one read it. So those are
    /// decided by what is stored, not by memory.
    /// </summary>
    /// <returns>The row before the change, and the next one.</returns>
    public static async Task<(KeyRow Row, KeyRow Next)> Prepare(KeyActivation key, Func<KeyRow, KeyRow> change)
    {
        if (key.Mark is not null && !key.Slot.NeedsRead)
        {
            var known = await key.Current();
            try
            {
                var next = change(known);
                if (next != known)
                {
                    return (known, next);
                }
            }
            catch (KmsException)
            {
                // It will be refused again, by the stored row.
            }

            key.Slot.Invalidate();
        }

        var row = await key.Current();
        return (row, change(row));
    }

    /// <summary>Writes the next row if it differs, then closes what it forbids and erases what it destroys.</summary>
    public static async Task<KeyDescription> Commit(
        KeyActivation key, KeyRow row, KeyRow next, Caller caller, string operation, int? changedVersion = null, string? reason = null)
    {
        // A write that was never acknowledged may be there and still be lost, as with a standby: only an acknowledged write
        // settles that.
        if (next != row || key.Slot.IsUnconfirmed)
        {
            key.Services.Changes.RequireRoom();
            row = await key.Write(row, next, next == row ? null : new ChangeCause(caller, operation, changedVersion, reason));
            await Committed(key, row, caller, operation, changedVersion);
            row = await Erasure.Erase(key, row);
        }

        await key.Usage.Load(row.Incarnation);
        return Described(key, row);
    }

    /// <summary>Reports a committed change to the log and the metrics.</summary>
    public static Task Committed(KeyActivation key, KeyRow row, Caller caller, string operation, int? changedVersion = null)
    {
        // All changes share one label.
        CallInstruments.Count(caller, KmsOperation.UpdateKey);
        return key.Services.Changes.KeyChanged(key.Id, operation, row.PrimaryVersion, changedVersion, row.Revision, caller);
    }

    /// <summary>The key in the contract's terms. Its counters must be loaded.</summary>
    public static KeyDescription Described(KeyActivation key, KeyRow row) => KeyDescriptions.Of(key.Id, row, key.Usage, key.Services.Providers);
}
