using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>Makes the next version of a key.</summary>
internal static class VersionMaking
{
    /// <summary>Rotates the key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">Its row.</param>
    /// <param name="cause">The caller, and the reason that the log of changes gives.</param>
    /// <param name="also">A further change of the row in the same commit; null for none.</param>
    /// <returns>The row that was written.</returns>
    public static async Task<KeyRow> Rotate(KeyActivation key, KeyRow row, ChangeCause cause, Func<KeyRow, KeyRow>? also = null)
    {
        var next = KeyRotation.Plan(row, key.Services.Epoch, key.Now);
        key.Spare.Require(row, next.Number);
        key.Services.Changes.RequireRoom();
        await key.VersionRows.Keep(row);
        return await Make(key, next, cause, also: also);
    }

    /// <summary>Makes a version of a key whose newest version is kept in its own row.</summary>
    /// <param name="key">The key.</param>
    /// <param name="next">The version.</param>
    /// <param name="cause">The caller, and the reason that the log of changes gives.</param>
    /// <param name="permitsTheSame">Whether the old version stays usable after a write of unknown outcome.</param>
    /// <param name="also">As in <see cref="Rotate"/>.</param>
    public static async Task<KeyRow> Make(
        KeyActivation key, NextVersion next, ChangeCause cause, bool permitsTheSame = false, Func<KeyRow, KeyRow>? also = null)
    {
        if (!KeyAlgorithms.TryFind(next.Row.Spec, out var algorithm))
        {
            throw KmsError.KeyCorrupted.Exception();
        }

        var version = await key.Versions.NewMaterial(
            next.Row.Protection, algorithm, next.Row.Usage, next.Row.Incarnation, next.Number, key.Spare.Take(next.Row, next.Number));
        var made = next.Made(version.Material!, key.Now, version.PublicKey);
        var row = await key.Write(next.Row, also is null ? made : also(made), cause, permitsTheSame);
        await RowChange.Committed(key, row, cause.Caller, cause.Operation);
        return row;
    }
}
