using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>
/// The changes of a key as pure functions from one row to the next; nothing is written here. Each checks
/// <see cref="KeyLifecycle"/> first. Rotations are in <see cref="KeyRotation"/>.
/// </summary>
public static class KeyChanges
{
    /// <summary>A new key. A generated key has its first version; an external key waits for its import.</summary>
    /// <param name="request">The checked request.</param>
    /// <param name="usage">What the key may be used for.</param>
    /// <param name="incarnation">The new life of the id.</param>
    /// <param name="material">The first version, wrapped; null for an external key.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <param name="now">The time.</param>
    /// <param name="publicKey">The first version's public key, if it has one.</param>
    public static KeyRow Create(
        CreateKey request, KeyUsage usage, Incarnation incarnation, WrappedMaterial? material, int epoch, DateTimeOffset now,
        byte[]? publicKey = null) => new()
        {
            Incarnation = incarnation,
            Material = material,
            Spec = request.Spec,
            Usage = usage,
            State = material is null ? KeyState.PendingImport : KeyState.Enabled,
            Protection = request.Protection,
            Origin = request.Origin,
            Exportable = request.Exportable,
            Description = request.Description,
            Tags = request.Tags,
            CreatedAt = now,
            PrimaryVersion = material is null ? 0 : material.Version,
            Epoch = epoch,
            Versions = material is null ? [] : [new(material.Version, KeyVersionState.Enabled, now) { PublicKey = publicKey }],
            Rotation = request.Rotation,
            NextRotationAt = NextRotation(request.Rotation, now),
            Limits = Limits(request.Limits),
            Approval = request.Approval,
        };

    /// <summary>The key's own policy.</summary>
    /// <param name="row">The key.</param>
    /// <param name="statements">The checked policy; null for none.</param>
    public static KeyRow SetPolicy(KeyRow row, IReadOnlyList<PolicyStatement>? statements)
    {
        KeyLifecycle.Next(row.State, KeyEvent.Update);
        return row with { Policy = statements };
    }

    /// <summary>Changes description, tags, rotation plan, limits, the minimum version that decrypts and the approval rule.</summary>
    /// <param name="row">The key.</param>
    /// <param name="request">The checked request.</param>
    /// <param name="now">The time.</param>
    public static KeyRow Update(KeyRow row, UpdateKey request, DateTimeOffset now)
    {
        KeyLifecycle.Next(row.State, KeyEvent.Update);
        KeyRequestRules.CheckRotation(request.Rotation.Value, row.Origin);
        if (request.MinDecryptVersion is { } least && least > Math.Max(1, row.PrimaryVersion))
        {
            throw KmsError.InvalidParameter.Exception("min_decrypt_version must be 1 to the primary version.");
        }

        return row with
        {
            Description = request.Description.IsSet ? request.Description.Value : row.Description,
            Tags = request.Tags.IsSet ? request.Tags.Value : row.Tags,
            Rotation = request.Rotation.IsSet ? request.Rotation.Value : row.Rotation,
            NextRotationAt = request.Rotation.IsSet ? NextRotation(request.Rotation.Value, now) : row.NextRotationAt,
            MinDecryptVersion = request.MinDecryptVersion ?? row.MinDecryptVersion,
            Limits = request.Limits.IsSet ? Limits(request.Limits.Value) : row.Limits,
            Approval = request.Approval.IsSet ? request.Approval.Value : row.Approval,
        };
    }

    /// <summary>Enables or disables the key.</summary>
    /// <param name="row">The key.</param>
    /// <param name="happening"><see cref="KeyEvent.Enable"/> or <see cref="KeyEvent.Disable"/>.</param>
    public static KeyRow SetState(KeyRow row, KeyEvent happening) =>
        row with { State = KeyLifecycle.Next(row.State, happening) };

    /// <summary>Enables or disables one version.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">The version.</param>
    /// <param name="happening">The event.</param>
    public static KeyRow ChangeVersion(KeyRow row, int version, KeyVersionEvent happening)
    {
        var entry = Changeable(row, version);
        var next = KeyLifecycle.Next(entry.State, happening);
        return next == entry.State ? row : With(row, entry with { State = next });
    }

    /// <summary>Schedules the destruction of a version.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">The version.</param>
    /// <param name="at">When its material is erased.</param>
    /// <param name="isRescheduled">Whether the time also replaces an earlier one.</param>
    /// <param name="epoch">The restore epoch.</param>
    public static KeyRow ScheduleDestruction(KeyRow row, int version, DateTimeOffset at, bool isRescheduled, int epoch)
    {
        var entry = Changeable(row, version);
        var next = KeyLifecycle.Next(entry.State, KeyVersionEvent.ScheduleDestruction);
        if (next == KeyVersionState.Destroyed || (next == entry.State && !isRescheduled))
        {
            return row;
        }

        return version != row.PrimaryVersion
            ? With(row, entry with { State = next, DestroyAt = at, DestroyEpoch = epoch })
            : throw KmsError.Conflict.Exception("The primary version cannot be destroyed: rotate the key first, or delete it.");
    }

    /// <summary>Cancels the destruction of a version.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">The version.</param>
    public static KeyRow CancelDestruction(KeyRow row, int version)
    {
        var entry = Changeable(row, version);
        var next = KeyLifecycle.Next(entry.State, KeyVersionEvent.CancelDestruction);
        return With(row, entry with { State = next, DestroyAt = null, DestroyEpoch = 0 });
    }

    /// <summary>Destroys versions whose destruction is due.</summary>
    /// <param name="row">The key, in any state.</param>
    /// <param name="due">The versions.</param>
    public static KeyRow DestroyVersions(KeyRow row, IReadOnlyCollection<int> due) => WithoutMaterial(row, due) with
    {
        Versions =
        [
            .. row.Versions.Select(v => due.Contains(v.Version) ? v with { State = KeyLifecycle.Next(v.State, KeyVersionEvent.Destroy), PublicKey = null } : v),
        ],
    };

    /// <summary>A restored key of which versions were destroyed since its backup; their material is erased already.</summary>
    /// <param name="row">The key.</param>
    /// <param name="destroyed">The versions.</param>
    public static KeyRow WithDestroyed(KeyRow row, IReadOnlyCollection<int> destroyed) => row with
    {
        Material = row.Material is { } m && destroyed.Contains(m.Version) ? null : row.Material,
        Versions = [.. row.Versions.Select(v => destroyed.Contains(v.Version) ? Ended(v) : v)],
    };

    /// <summary>A restored key some of whose versions may have been destroyed since its backup.</summary>
    /// <param name="row">The key.</param>
    /// <param name="versions">The versions, which are enabled.</param>
    public static KeyRow WithDisabled(KeyRow row, IReadOnlyCollection<int> versions) => row with
    {
        Versions = [.. row.Versions.Select(v => versions.Contains(v.Version) ? v with { State = KeyVersionState.Disabled } : v)],
    };

    /// <summary>Schedules the deletion of the key.</summary>
    /// <param name="row">The key.</param>
    /// <param name="at">When the material is erased.</param>
    public static KeyRow ScheduleDeletion(KeyRow row, DateTimeOffset at) =>
        row with { State = KeyLifecycle.Next(row.State, KeyEvent.ScheduleDeletion), DeletionAt = at };

    /// <summary>Cancels the deletion of the key.</summary>
    /// <param name="row">The key.</param>
    public static KeyRow CancelDeletion(KeyRow row) => row with
    {
        State = KeyLifecycle.Next(row.State, KeyEvent.CancelDeletion, row.Versions.Count > 0),
        DeletionAt = null,
    };

    /// <summary>A tombstone: every version destroyed.</summary>
    /// <param name="row">The key.</param>
    public static KeyRow Destroy(KeyRow row)
    {
        var state = KeyLifecycle.Next(row.State, KeyEvent.Destroy);
        int[] erased = [.. row.Versions.Where(v => v.State != KeyVersionState.Destroyed).Select(v => v.Version)];
        return WithoutMaterial(row, erased) with
        {
            State = state,
            Versions = [.. row.Versions.Select(v => Ended(v) with { Fingerprint = null })],
            Rotation = null,
            NextRotationAt = null,
        };
    }

    private static LimitRule[]? Limits(IReadOnlyList<LimitRule>? limits) => limits is { Count: > 0 } ? [.. limits] : null;

    private static KeyVersionEntry Changeable(KeyRow row, int version)
    {
        KeyLifecycle.Next(row.State, KeyEvent.ChangeVersion);
        return row.Find(version) ?? throw KmsError.NotFound.Exception("The key has no such version.");
    }

    private static KeyRow With(KeyRow row, KeyVersionEntry entry) =>
        row with { Versions = [.. row.Versions.Select(v => v.Version == entry.Version ? entry : v)] };

    // It goes with its key: the time scheduled for the version itself never came.
    private static KeyVersionEntry Ended(KeyVersionEntry version) => version.State == KeyVersionState.Destroyed
        ? version
        : version with { State = KeyVersionState.Destroyed, DestroyAt = null, DestroyEpoch = 0, PublicKey = null };

    private static KeyRow WithoutMaterial(KeyRow row, IReadOnlyCollection<int> erased) => row with
    {
        Material = row.Material is { } m && erased.Contains(m.Version) ? null : row.Material,
        ErasePending = [.. row.ErasePending.Union(erased).Order()],
    };

    internal static DateTimeOffset? NextRotation(RotationPlan? plan, DateTimeOffset now) => now + plan?.Every;
}
