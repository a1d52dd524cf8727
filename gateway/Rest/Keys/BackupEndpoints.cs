using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>A backup of a key.</summary>
internal sealed class BackupAnswer
{
    /// <summary>The whole key, sealed for the installation that made it; up to <see cref="KmsLimits.BackupBytes"/>.</summary>
    public required byte[] Backup { get; init; }
}

/// <summary>A key to be restored.</summary>
internal sealed class RestoreBody
{
    /// <summary>A backup that this installation has made.</summary>
    public required byte[] Backup { get; set; }
}

/// <summary>Makes backups of keys, and restores keys from them.</summary>
internal static class BackupEndpoints
{
    public static async Task HandleBackup(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var made = await KeyBackups.BackUp(exchange, id);
        await exchange.Answer(new BackupAnswer { Backup = made.Backup }, RestJson.Default.BackupAnswer);
    }

    // The permission is for the key that the backup names. Only the key's grain knows whether that is true.
    public static async Task HandleRestore(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.RestoreBody, SizeLimits.RestoreBody);
        var id = await exchange.FindKey(KeyBackups.KeyOf(body.Backup));
        await exchange.Answer(KeyAnswer.Of(await KeyBackups.Restore(exchange, id, body.Backup)), RestJson.Default.KeyAnswer);
    }
}
