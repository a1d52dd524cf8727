using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>A change of the row <c>key</c>: prepared from the newest row, committed, told of.</summary>
internal static class RowChange
{
    /// <summary>
    /// A change of the newest row. A row that is written shows by its version that it followed from the newest; what changes
    /// nothing, or is refused, shows nothing, and another activation may have changed the key since this one read it. So that is
    /// found out from what is stored, not from memory.
    /// </summary>
    /// <returns>The row that the change followed from, and the next one.</returns>
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
                // It says again what it refuses.
            }

            key.Slot.Invalidate();
        }

        var row = await key.Current();
        return (row, change(row));
    }

    /// <summary>Writes the next row if it differs, then lets go of what it forbids and erases what it destroys.</summary>
    public static async Task<KeyDescription> Commit(
        KeyActivation key, KeyRow row, KeyRow next, Caller caller, string operation, int? changedVersion = null)
    {
        // What a write without an answer made may be there and yet be lost, as with a standby: only a write that has one says it is not.
        if (next != row || key.Slot.IsUnconfirmed)
        {
            key.Services.Changes.RequireRoom();
            row = await key.Write(row, next);
            await Committed(key, row, caller, operation, changedVersion);
            row = await Erasure.Erase(key, row);
        }

        await key.Usage.Load(row.Incarnation);
        return Described(key, row);
    }

    /// <summary>Tells the log and the metrics of a change that was committed.</summary>
    public static Task Committed(KeyActivation key, KeyRow row, Caller caller, string operation, int? changedVersion = null)
    {
        // All changes have one label.
        CallInstruments.Count(caller, KmsOperation.UpdateKey);
        return key.Services.Changes.KeyChanged(key.Id, operation, row.PrimaryVersion, changedVersion, caller);
    }

    /// <summary>The key in the words of the contract. Its counters are loaded.</summary>
    public static KeyDescription Described(KeyActivation key, KeyRow row) => KeyDescriptions.Of(key.Id, row, key.Usage);
}
