using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Backs up one key, and restores it under its own id. The same grain as <see cref="IKeyGrain"/>, with the same grain key. Since feature
/// level 6.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyVersionsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyBackupsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyBackupsGrain : IGrainWithStringKey
{
    /// <summary>
    /// Makes a backup of the whole key, sealed for this installation. Errors: not_exportable for a key with protection hsm;
    /// key_pending_import, key_pending_deletion, key_destroyed; conflict: the backup would be too large.
    /// </summary>
    [Alias("BackUp"), Operation("keys:backup"), AlwaysInterleave] Task<KeyBackup> BackUp(KeyCommand request);

    /// <summary>
    /// Restores the key, which must not exist. Its versions only decrypt and verify from now on; a new primary version is made. Errors:
    /// invalid_parameter for anything that is not a backup of this key by this installation; key_exists, key_destroyed.
    /// </summary>
    [Alias("Restore"), Operation("keys:restore")] Task<KeyDescription> Restore(RestoreKey request);
}

/// <summary>A backup of a key.</summary>
/// <param name="Backup">
/// The sealed key, at most <see cref="KmsLimits.BackupBytes"/> bytes. It reveals the key's id; nobody but the installation that made it can
/// use it.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.KeyBackup")]
public sealed record KeyBackup([property: Id(0)] byte[] Backup)
{
    /// <summary>Omits the backup.</summary>
    public override string ToString() => nameof(KeyBackup);
}

/// <summary>Restores a key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Backup">The backup, of the grain's own key.</param>
[GenerateSerializer, Immutable, Alias("okms.RestoreKey")]
public sealed record RestoreKey([property: Id(0)] Caller Caller, [property: Id(1)] byte[] Backup) : ICallerRequest
{
    /// <summary>As in <see cref="CreateKey.Within"/>, for the new version.</summary>
    [Id(2)] public TimeSpan? Within { get; init; }

    /// <summary>Omits the backup.</summary>
    public override string ToString() => $"{nameof(RestoreKey)} {{ Caller = {Caller} }}";
}
