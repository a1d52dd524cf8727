using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>Why a key must rotate before its primary version is used again.</summary>
internal enum RotationDue
{
    /// <summary>It need not rotate.</summary>
    No,

    /// <summary>The database was restored since the primary version was made, so its number of uses is unknown.</summary>
    SinceRestore,

    /// <summary>The primary version has reached the uses after which its plan or its algorithm requires a new one.</summary>
    ByUse,
}

/// <summary>The rules of rotation, as pure functions of the row: whether one is due, and whether one may be made.</summary>
internal static class KeyRotation
{
    /// <summary>
    /// Whether the rotation plan's date has come. Only the plan waits for it: a key whose rotation by time fails continues under
    /// its old version.
    /// </summary>
    /// <param name="row">The key.</param>
    /// <param name="now">The time.</param>
    public static bool IsOverdue(KeyRow row, DateTimeOffset now) => MakesVersionsByItself(row) && now >= row.NextRotationAt;

    /// <summary>Whether the key must rotate before its primary version is used again.</summary>
    /// <param name="row">The key.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <param name="spent">Uses of the primary version so far.</param>
    /// <param name="rotateAt">Uses after which a version is replaced.</param>
    /// <param name="keepsAfterRestore">Whether a restore requires no new version.</param>
    public static RotationDue DueBeforeUse(KeyRow row, RestoreEpoch epoch, long spent, long rotateAt, bool keepsAfterRestore) =>
        row.Epoch < epoch.Number && !keepsAfterRestore ? RotationDue.SinceRestore
        : IsUsedUp(row, spent, rotateAt) ? RotationDue.ByUse
        : RotationDue.No;

    /// <summary>Whether the primary version must be replaced because of its uses.</summary>
    /// <param name="row">The key.</param>
    /// <param name="spent">Uses of the primary version so far.</param>
    /// <param name="rotateAt">Uses after which a version is replaced.</param>
    public static bool IsUsedUp(KeyRow row, long spent, long rotateAt) => MakesVersionsByItself(row) && spent >= rotateAt;

    /// <summary>Plans the next version, if the key may have one.</summary>
    /// <param name="row">The key.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="KmsException">
    /// The error of the key's state; conflict: its material comes from outside, it has reached the maximum number of versions, or
    /// no number is free yet.
    /// </exception>
    public static NextVersion Plan(KeyRow row, RestoreEpoch epoch, DateTimeOffset now)
    {
        KeyLifecycle.Next(row.State, KeyEvent.Rotate);
        if (row.Origin == KeyOrigin.External)
        {
            throw KmsError.Conflict.Exception("A key of origin external gets new versions by import.");
        }

        return Next(row, epoch, now);
    }

    /// <summary>Plans the version that an import makes, if the key may have one.</summary>
    /// <param name="row">The key.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="KmsException">As for <see cref="Plan"/>; conflict: its material is generated here.</exception>
    public static NextVersion PlanImport(KeyRow row, RestoreEpoch epoch, DateTimeOffset now)
    {
        KeyLifecycle.Next(row.State, KeyEvent.Import);
        if (row.Origin != KeyOrigin.External)
        {
            throw KmsError.Conflict.Exception("A key of origin generated makes its own versions; create one of origin external to import material.");
        }

        if (row.Versions.Count(v => v.State != KeyVersionState.Destroyed) >= KmsLimits.ImportedVersions)
        {
            throw KmsError.Conflict.Exception(
                $"The key has {KmsLimits.ImportedVersions} versions that are not destroyed, the maximum for an import; destroy versions that nobody needs.");
        }

        return Next(row, epoch, now);
    }

    private static NextVersion Next(KeyRow row, RestoreEpoch epoch, DateTimeOffset now)
    {
        if (row.Versions.Count >= KmsLimits.Versions)
        {
            throw KmsError.Conflict.Exception($"The key has {KmsLimits.Versions} versions, the maximum.");
        }

        // Every change writes the row that lists them.
        if (row.Versions.Sum(v => v.PublicKey?.Length ?? 0) > KmsLimits.PublicKeyBytes)
        {
            throw KmsError.Conflict.Exception(
                $"The public keys of the key's {row.Versions.Count} versions take all the room that there is for them; destroy versions that nobody needs.");
        }

        return new(row, VersionNumbers.Next(NewestNumber(row), epoch, now), epoch.Number);
    }

    /// <summary>The number above which the key's next version is numbered.</summary>
    /// <param name="row">The key.</param>
    public static int NewestNumber(KeyRow row) => Math.Max(row.RestoredUpTo, row.Versions is [.., var newest] ? newest.Version : 0);

    /// <summary>Whether the key makes versions by itself: it is usable and its material is generated here.</summary>
    /// <param name="row">The key.</param>
    public static bool MakesVersionsByItself(KeyRow row) => row is { State: KeyState.Enabled, Origin: KeyOrigin.Generated };
}

/// <summary>
/// A version that <see cref="KeyRotation.Plan"/> permits. Valid only for the very row that it was planned from.
/// </summary>
internal sealed class NextVersion
{
    private readonly int _epoch;

    internal NextVersion(KeyRow row, int number, int epoch)
    {
        Row = row;
        Number = number;
        _epoch = epoch;
    }

    /// <summary>The key before it.</summary>
    public KeyRow Row { get; }

    /// <summary>The version's number.</summary>
    public int Number { get; }

    /// <summary>The key after it.</summary>
    /// <param name="material">The new version, wrapped.</param>
    /// <param name="now">The time.</param>
    /// <param name="publicKey">Its public key, if it has one.</param>
    public KeyRow Made(WrappedMaterial material, DateTimeOffset now, byte[]? publicKey = null) => Row with
    {
        Material = material,
        PrimaryVersion = material.Version,
        Epoch = _epoch,
        Versions = [.. Row.Versions, new(material.Version, KeyVersionState.Enabled, now) { PublicKey = publicKey }],
        NextRotationAt = KeyChanges.NextRotation(Row.Rotation, now),
    };

    /// <summary>The key after it, if it was imported.</summary>
    /// <param name="made">What is kept of it.</param>
    /// <param name="import">The id of the parameters that it was imported with.</param>
    /// <param name="now">The time.</param>
    public KeyRow Imported(MadeVersion made, string import, DateTimeOffset now) => Row with
    {
        State = KeyLifecycle.Next(Row.State, KeyEvent.Import),
        Material = made.Material,
        PrimaryVersion = Number,
        Epoch = _epoch,
        Versions =
        [
            .. Row.Versions,
            new(Number, KeyVersionState.Enabled, now) { PublicKey = made.PublicKey, IsPublicOnly = made.Material is null, Import = import, Fingerprint = made.Fingerprint },
        ],
    };
}
