namespace OrleansKms.Gateway.Operations;

/// <summary>Backs up keys that the caller is authorized for, and restores them. Since feature level 6.</summary>
internal static class KeyBackups
{
    /// <summary>Makes a backup of a key.</summary>
    public static ValueTask<KeyBackup> BackUp(Call call, string key) => NewSilos.Ask(
        () => new ValueTask<KeyBackup>(call.InTime(call.Services.Grains.GetGrain<IKeyBackupsGrain>(key).BackUp(new(call.Caller)))));

    /// <summary>The key that a backup claims to be of.</summary>
    /// <exception cref="KmsException">payload_too_large; invalid_parameter: it is no backup.</exception>
    public static string KeyOf(byte[] backup) =>
        backup.Length > KmsLimits.BackupBytes ? throw KmsError.PayloadTooLarge.Exception($"'backup' must be at most {KmsLimits.BackupBytes} bytes.")
        : BackupHeader.TryRead(backup, out var header) ? header.KeyId
        : throw KmsError.InvalidParameter.Exception("The backup is not valid.");

    /// <summary>Restores a key.</summary>
    public static ValueTask<KeyDescription> Restore(Call call, string key, byte[] backup) => NewSilos.Ask(
        () => new ValueTask<KeyDescription>(call.InTime(
            call.Services.Grains.GetGrain<IKeyBackupsGrain>(key).Restore(new(call.Caller, backup) { Within = call.Remaining }))));
}
