namespace OrleansKms.Grains.Storage;

/// <summary>
/// Chooses the number of a new version. A ciphertext names its material by key id and number alone, so a number must never be
/// given to two materials, not even when a restore made the database forget that it was given.
/// </summary>
/// <remarks>
/// In the first epoch versions are numbered from 1 without gaps, and a key has at most <see cref="KmsLimits.Versions"/>. In a
/// later one they are numbered from the epoch's base on, and at the time t no number is given above C(t), which is the seconds
/// from the start of 2026 to t, plus 4,096. The base of an epoch that begins at s is at least C(s), at least
/// <see cref="KmsLimits.Versions"/>, and above the base of every epoch that the database still knows.
///
/// So no number is given twice. Take a version that was made at t and that a restore has made the database forget, and an epoch
/// that begins afterwards, at s, with t &lt;= s. If the version was made in the first epoch, its number is at most
/// <see cref="KmsLimits.Versions"/>, hence at most the base. If it was made in a later one, its number is at most C(t), hence at
/// most C(s), hence at most the base. Every number that the new epoch gives is above its base. Nothing was assumed of the age of
/// the backup, nor that the epoch of the forgotten version, or any number of epochs, is still known. Within one epoch the row
/// <c>key</c> orders versions, and the next is above the last.
///
/// A key that is restored from its own backup may have had versions since that the database does not know either. So it is as if an epoch
/// of its own began for it: its next version is numbered C(s) or higher if it is restored at s, above <see cref="KmsLimits.Versions"/>, and
/// from then on the rule for later epochs holds for it in the first one, too. A forgotten version made at t had at most the number C(t),
/// which is below C(s), since restoring takes longer than a second.
///
/// It holds for a new key, too, since its id may have had a life that was forgotten: its first version is numbered by the same
/// rule. It rests on clocks: that of a silo which gave numbers up to its limit (a version each second since the epoch began)
/// must not have been ahead of that by which the next epoch begins.
/// </remarks>
internal static class VersionNumbers
{
    private const long Ahead = 4096;
    private static readonly DateTimeOffset _origin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The base of the next epoch.</summary>
    /// <param name="last">The last epoch that the database knows.</param>
    /// <param name="now">When the next epoch begins.</param>
    public static int Base(RestoreEpoch last, DateTimeOffset now) =>
        Math.Max(Math.Max(Ceiling(now), KmsLimits.Versions), last.VersionBase + 1);

    /// <summary>The number of the next version of a key.</summary>
    /// <param name="newest">The number of its newest version; 0 for a key without one.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="KmsException">conflict: no number is free yet; the next one is within seconds.</exception>
    public static int Next(int newest, RestoreEpoch epoch, DateTimeOffset now)
    {
        if (epoch.Number == 0 && newest < KmsLimits.Versions)
        {
            return newest + 1;
        }

        var next = Math.Max(newest, epoch.VersionBase) + 1;
        return next <= Ceiling(now)
            ? next
            : throw KmsError.Conflict.Exception(
                "After a restore a key gets at most one version a second; wait and try again.");
    }

    /// <summary>The number above which the versions of a key are numbered from when it is restored from its own backup.</summary>
    /// <param name="newest">The number of its newest version.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="now">When it is restored.</param>
    public static int BaseOfRestoredKey(int newest, RestoreEpoch epoch, DateTimeOffset now) =>
        Math.Max(Math.Max(newest, epoch.VersionBase), Math.Max(Ceiling(now) - 1, KmsLimits.Versions));

    private static int Ceiling(DateTimeOffset now) =>
        (int)Math.Clamp((long)(now - _origin).TotalSeconds + Ahead, 0, int.MaxValue);
}
