using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Backups;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Makes a backup of the whole key. It takes no turn, so that the key goes on meanwhile: what it has read is one state of the key if the
/// row <c>key</c> is still the same at the end.
/// </summary>
internal static class BackingUp
{
    // Of backups and what needs them.
    internal const int SinceLevel = 6;

    private const int MaxAttempts = 5;

    public static Task<KeyBackup> Run(KeyActivation key, KeyCommand request) => key.Gate.Run(
        KeyGate.Enter(KmsOperation.BackUpKey, request.Caller), () => One(key), isRepeatable: true);

    // Callers that come while a backup is made get that one: it has the key as it is when it is ready.
    private static async Task<KeyBackup> One(KeyActivation key)
    {
        var making = key.BackingUp ??= BackUp(key);
        try
        {
            return await making;
        }
        finally
        {
            if (key.BackingUp == making)
            {
                key.BackingUp = null;
            }
        }
    }

    private static async Task<KeyBackup> BackUp(KeyActivation key)
    {
        key.Services.RequireLevel(SinceLevel, "Backups of keys", "made");
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var row = await Newest(key);
            KeyRestoration.RequireBackedUp(row);

            // Before thousands of rows are read for nothing.
            RequireFits(key, row, BackupContent.LeastLength(Content(key, row), KeyRestoration.Living(row).Count()));
            using var material = await Read(key, row);
            if (ReferenceEquals(row, key.Slot.Row) && !key.Slot.NeedsRead)
            {
                return Seal(key, row, material);
            }
        }

        throw KmsError.Conflict.Exception("The key was changed each time while its backup was made; try again.");
    }

    private static async Task<KeyRow> Newest(KeyActivation key)
    {
        using (await key.Turns.Begin())
        {
            var row = await key.Current();
            await key.Usage.Load(row.Incarnation);
            return row;
        }
    }

    private static async Task<MaterialBundle> Read(KeyActivation key, KeyRow row)
    {
        var kept = new List<KeptMaterial>();
        try
        {
            foreach (var version in KeyRestoration.Living(row))
            {
                kept.Add(new(version, await key.Versions.Kept(row, version)));
            }

            return MaterialBundle.Of(kept);
        }
        finally
        {
            kept.ForEach(one => one.Kept.Dispose());
        }
    }

    private static KeyBackup Seal(KeyActivation key, KeyRow row, MaterialBundle material)
    {
        using var content = BackupContent.Write(Content(key, row), material);
        RequireFits(key, row, content.Length);
        return new(key.Services.Backups.Seal(key.Grain.GrainContext.GrainId, row.Incarnation, content.Span));
    }

    private static KeyBackupContent Content(KeyActivation key, KeyRow row) =>
        new() { MadeAt = key.Now, Key = KeyRestoration.InBackup(row), Counters = key.Usage.ForBackup() };

    private static void RequireFits(KeyActivation key, KeyRow row, int length)
    {
        if (length + BackupSealer.Overhead(key.Id) > KmsLimits.BackupBytes)
        {
            throw KmsError.Conflict.Exception(
                $"With its {row.Versions.Count} versions the key does not fit into a backup of {KmsLimits.BackupBytes} bytes; destroy versions that nobody needs.");
        }
    }
}
