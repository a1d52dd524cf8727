using System.Globalization;
using Orleans.Storage;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Backups;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Restores the key from its backup. Like a create it commits by one write, of the row <c>key</c> with everything in it, or leaves no key;
/// <see cref="RestoreCompletion"/> does the rest. What was restored never encrypts or signs again: a new primary version is made with it.
/// </summary>
internal static class Restoration
{
    public static Task<KeyDescription> Run(KeyActivation key, RestoreKey request)
    {
        var call = KeyGate.Enter(KmsOperation.RestoreKey, request.Caller);
        return key.Gate.RunInTurn(call, () => Restore(key, request, call));
    }

    private static async Task<KeyDescription> Restore(KeyActivation key, RestoreKey request, Call call)
    {
        key.Services.RequireLevel(BackingUp.SinceLevel, "Keys", "restored");
        var (backup, material) = await Open(key, request.Backup);
        using (material)
        {
            var algorithm = Algorithm(backup.Key);
            key.Policy.RequireBy(backup.Key, call);
            key.Services.RequireLevelOf(key.Services.Providers.Of(backup.Key.Protection), algorithm, backup.Key.Usage);
            key.Services.Changes.RequireRoom();
            await NewKey.RequireFree(key);
            var written = await Commit(key, request, backup, material, algorithm);
            await RowChange.Committed(key, written, request.Caller, KmsOperation.RestoreKey.Verb);
        }

        return await key.WithMaterialOfToday(async () =>
        {
            var row = await key.Load();
            await key.Usage.Load(row.Incarnation);
            return RowChange.Described(key, row);
        });
    }

    // Nothing of the bytes but their header is looked at before they are known to be of this installation, and whatever is wrong with them
    // is one error.
    private static async Task<(KeyBackupContent Backup, MaterialBundle Material)> Open(KeyActivation key, byte[]? bytes)
    {
        if (bytes?.Length > KmsLimits.BackupBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"A backup has at most {KmsLimits.BackupBytes} bytes.");
        }

        using var content = await key.Services.Backups.TryOpen(key.Grain.GrainContext.GrainId, bytes) ?? throw Invalid();
        var (backup, material) = BackupContent.TryRead(content.Span) ?? throw Invalid();
        if (!KeyRestoration.IsWhole(backup.Key, material.Versions))
        {
            material.Dispose();
            throw Invalid();
        }

        return (backup, material);
    }

    private static async Task<KeyRow> Commit(
        KeyActivation key, RestoreKey request, KeyBackupContent backup, MaterialBundle material, KeyAlgorithm algorithm)
    {
        var (epoch, now) = (key.Services.Epoch, key.Now);
        var restsUntil = await key.Services.Erasures.After(KeyErasures.RestAfterRestore);
        var row = KeyRestoration.Restored(backup, epoch, now, restsUntil);
        int? number = row.Origin == KeyOrigin.Generated ? VersionNumbers.Next(KeyRotation.NewestNumber(row), epoch, now) : null;
        var provider = key.Services.Providers.Of(row.Protection);
        using var time = NewKey.TimeToMake(request.Within);
        using var slow = number is null || !provider.IsSlow(algorithm) ? null : await NewKey.MakeFirst(key, provider, algorithm, row.Usage, time);
        var incarnation = await NewKey.BeginCounters(key, UsagePolicy.Of(algorithm, row.Rotation, row.Origin), number);
        row = row with { Incarnation = incarnation };
        if (number is { } version)
        {
            using var made = slow ?? await provider.Generate(algorithm, row.Usage, new(key.Id, incarnation, version), time.Token);
            using var both = With(material, version, made);
            row = new NextVersion(row, version, epoch.Number).Made(Wrap(key, row, version, both), now, made.PublicPart);
        }
        else
        {
            row = row with { Epoch = epoch.Number, Material = Wrap(key, row, row.PrimaryVersion, material) };
        }

        // As for a scheduled deletion: a reminder without a key does nothing.
        await key.Reminder.Require(row);
        try
        {
            return await key.Write(null, row, new(request.Caller, KmsOperation.RestoreKey.Verb, Reason: Left(backup)));
        }
        catch (InconsistentStateException)
        {
            key.LostRace();
            throw KmsError.KeyExists.Exception();
        }
    }

    private static MaterialBundle With(MaterialBundle material, int version, GeneratedVersion made)
    {
        var kept = material.Versions.Select(v => new KeptMaterial(v, SecretBytes.CopyOf(material.Of(v)))).ToList();
        try
        {
            return MaterialBundle.Of([.. kept, new(version, made.Kept)]);
        }
        finally
        {
            kept.ForEach(one => one.Kept.Dispose());
        }
    }

    private static WrappedMaterial Wrap(KeyActivation key, KeyRow row, int version, MaterialBundle material) =>
        key.Services.Sealer.Wrap(new(key.Grain.GrainContext.GrainId, row.Incarnation, version), material.Bytes);

    // Where the history goes on: the chain of a restored key is a new one.
    private static string Left(KeyBackupContent backup)
    {
        var made = backup.MadeAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return backup.Key.History is { } history
            ? string.Create(CultureInfo.InvariantCulture, $"from its backup of {made}, which follows event {history.Count}, {Convert.ToHexStringLower(history.Head)}")
            : $"from its backup of {made}";
    }

    private static KeyAlgorithm Algorithm(KeyRow row) =>
        KeyAlgorithms.TryFind(row.Spec, out var algorithm) ? algorithm : throw KmsError.UnsupportedAlgorithm.Exception();

    private static KmsException Invalid() => KmsError.InvalidParameter.Exception("The backup is not valid.");
}
