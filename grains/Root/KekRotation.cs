using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>
/// The life of a KEK: new, current, superseded while its rows are resealed, destroyed. A new one becomes current only when every
/// silo that may still run has opened it, so no row is ever sealed under a KEK that a silo cannot open. Decisions hold the
/// schema's lock, which starting silos also take, so that none comes between a check and the decision.
/// </summary>
internal sealed partial class KekRotation(
    Database database, KekRing ring, KekRecords records, SiloRegistry silos, CurrentEpoch epoch, ILogger<KekRotation> logger)
{
    /// <summary>
    /// Makes a new KEK, which becomes current by itself; if one is already being introduced, returns that. Only this silo's root
    /// wraps it: another root lacks it until it is added again, and the log names that root.
    /// </summary>
    /// <exception cref="KmsException">conflict: silos run on different roots, and one would not open it.</exception>
    public async Task<KekId> Begin(CancellationToken cancellationToken)
    {
        await using var schema = await database.LockSchema(cancellationToken);
        if (await NewKek(cancellationToken) is { } coming)
        {
            return coming.Id;
        }

        await RequireOneRoot(cancellationToken);
        var others = (await records.ReadRoots(cancellationToken)).Where(r => r != ring.RootId).ToList();
        var id = await ring.Add(cancellationToken);
        others.ForEach(other => RootLacksKek(other, id));
        return id;
    }

    /// <summary>
    /// Makes the root vouch for the KEKs as they are, once, when the cluster's feature level has been raised to where every
    /// program renews the manifest.
    /// </summary>
    public async Task Trust(CancellationToken cancellationToken)
    {
        if (!ring.LacksManifest)
        {
            return;
        }

        await using var schema = await database.LockSchema(cancellationToken);
        if (await FindOnAnotherRoot(cancellationToken) is null)
        {
            await ring.Trust(epoch.Value.Number, cancellationToken);
        }
    }

    /// <summary>Makes the new KEK, if there is one, current, unless a silo has not opened it yet.</summary>
    /// <returns>Whether the current KEK has changed.</returns>
    public async Task<bool> Promote(CancellationToken cancellationToken)
    {
        // Checked twice: the first check is cheap, and nearly always the last.
        if (await NewKek(cancellationToken) is not { } candidate || (await silos.ReadWithout(candidate.Id, cancellationToken)).Count > 0)
        {
            return false;
        }

        await using var schema = await database.LockSchema(cancellationToken);
        if (await NewKek(cancellationToken) is not { } kek || (await silos.ReadWithout(kek.Id, cancellationToken)).Count > 0)
        {
            return false;
        }

        // A silo on another root would see the tables change without a manifest that its root vouches for.
        if (ring.Manifest is not null && await FindOnAnotherRoot(cancellationToken) is not null)
        {
            return false;
        }

        await ring.MakeCurrent(kek.Id, cancellationToken);
        KekIsCurrent(kek.Id);
        await NameRootsBehind(cancellationToken);
        return true;
    }

    /// <summary>Destroys a KEK that is no longer needed. Silos drop it within seconds.</summary>
    /// <exception cref="KmsException">not_found; conflict: something needs it.</exception>
    public async Task Destroy(KekId id, CancellationToken cancellationToken)
    {
        await using var schema = await database.LockSchema(cancellationToken);
        var kek = (await records.ReadAll(cancellationToken)).Find(k => k.Id == id)
            ?? throw KmsError.NotFound.Exception("There is no such KEK.");
        if (kek.IsCurrent)
        {
            throw KmsError.Conflict.Exception("This KEK is the current one; rotate first.");
        }

        if ((await silos.ReadLive(cancellationToken)).Find(s => s.CurrentKek == id) is { } sealing)
        {
            throw KmsError.Conflict.Exception($"The silo {sealing.Silo} still seals under this KEK; try again in a few seconds.");
        }

        if (ring.Manifest is not null)
        {
            await RequireOneRoot(cancellationToken);
        }

        try
        {
            await records.Delete(id, await ring.WithoutKek(id, cancellationToken), cancellationToken);
        }
        catch (Exception e) when (database.IsMissingReference(e))
        {
            throw KmsError.Conflict.Exception("Rows are sealed under this KEK; it can be destroyed once all are resealed.");
        }

        KekDestroyed(id);
        await NameRootsBehind(cancellationToken);
    }

    private async Task RequireOneRoot(CancellationToken cancellationToken)
    {
        if (await FindOnAnotherRoot(cancellationToken) is { } silo)
        {
            throw KmsError.Conflict.Exception(
                $"The root key is being changed: the silo {silo} runs on another one than this silo. Change KEKs when all run on one.");
        }
    }

    private async Task<string?> FindOnAnotherRoot(CancellationToken cancellationToken) =>
        (await silos.ReadLive(cancellationToken)).Find(s => s.RootId is { } other && other != ring.RootId)?.Silo;

    private async Task NameRootsBehind(CancellationToken cancellationToken) =>
        (await records.ReadRootsBehind(ring.RootId, cancellationToken)).ForEach(RootIsBehind);

    private async Task<KekRecord?> NewKek(CancellationToken cancellationToken) =>
        (await records.ReadOthers(cancellationToken)).Find(k => k.SupersededAt is null);

    [LoggerMessage(Level = LogLevel.Information, Message = "KEK {KekId} is the current one: every silo has opened it")]
    private partial void KekIsCurrent(KekId kekId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The root key {RootId} does not wrap the new KEK {KekId}: run okms root add with it")]
    private partial void RootLacksKek(string rootId, KekId kekId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The root key {RootId} vouches for the KEKs as they were before this change: run okms root add with it")]
    private partial void RootIsBehind(string rootId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "KEK {KekId} destroyed")]
    private partial void KekDestroyed(KekId kekId);
}
