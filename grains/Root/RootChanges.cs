using Microsoft.Extensions.Logging;

namespace OrleansKms.Grains.Root;

/// <summary>
/// Changes of the root of trust, in a process that is not a silo: add, verify, switch (by the silos' settings), remove; a new
/// root in the same place; and the destruction of one that no longer wraps anything. Each step may be repeated, and a crash in it
/// is harmless: what counts is written in one transaction, after it was tested.
/// </summary>
/// <param name="options">The silos' settings.</param>
/// <param name="other">A root other than the silos'; null where none is named.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">Receive the log of changes.</param>
public sealed partial class RootChanges(
    KmsStorageOptions options, OtherRootOptions? other, TimeProvider time, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger<RootChanges>();

    /// <summary>Lists the roots.</summary>
    /// <exception cref="StartRefusedException">The database cannot be used.</exception>
    public Task<RootReport> List(CancellationToken cancellationToken) =>
        Run(session => RootReport.Of(session, cancellationToken), cancellationToken);

    /// <summary>Makes the other root wrap every KEK as well.</summary>
    /// <param name="mayMake">Whether the other root may be generated if it does not exist.</param>
    /// <param name="isDryRun">Whether to change nothing, and only report what would be done.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>What was done, or would be, in lines.</returns>
    /// <exception cref="StartRefusedException">It cannot be done.</exception>
    public Task<string[]> Add(bool mayMake, bool isDryRun, CancellationToken cancellationToken) => Run(async session =>
    {
        var place = session.Other ?? throw new StartRefusedException(
            "No other root key is named: set OKMS_OTHER_HSM_ADDRESS or OKMS_OTHER_ROOT_KEY_FILE.");
        var own = await session.Own.Open(cancellationToken);
        if (await place.OpenOther(own.Id, cancellationToken) is { } root)
        {
            return await Wrap(session, place, own, root, isDryRun, cancellationToken);
        }

        if (place is FileRootPlace && await place.Find(own.Id, cancellationToken) is not null)
        {
            throw new StartRefusedException($"{place.Setting}: {place.Description} is the root key {own.Id}, which the silos' own settings name.");
        }

        if (!mayMake)
        {
            throw new StartRefusedException(
                $"{place.Setting}: there is no other root key than {own.Id} of this database at {place.Description}. With --create one is made.");
        }

        if (isDryRun)
        {
            return await WouldMake(session, place, own, cancellationToken);
        }

        root = await place.Make(Unfinished(session, place), cancellationToken);
        return await Wrap(session, place, own, root, isDryRun: false, cancellationToken);
    }, cancellationToken);

    /// <summary>Opens every KEK with one root alone, and makes each prove its identity.</summary>
    /// <param name="rootId">The root; null for the other one, or for the silos' own where no other is named.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>What was found, in lines.</returns>
    /// <exception cref="StartRefusedException">The root does not open every KEK, or is missing.</exception>
    public Task<string[]> Verify(string? rootId, CancellationToken cancellationToken) => Run(async session =>
    {
        var root = rootId is not null ? await session.Find(rootId, cancellationToken)
            : session.Other is null ? await session.Own.Open(cancellationToken)
            : await session.Other.OpenOther(except: null, cancellationToken)
                ?? throw new StartRefusedException($"{session.Other.Setting}: there is no root key of this database at {session.Other.Description}.");
        await KekRewrapping.RequireAll(root, session.Keks, cancellationToken);
        await RootVouching.Require(session, root, cancellationToken);
        return Lines($"The root key {root.Id} opens {All(session)} by itself.");
    }, cancellationToken);

    /// <summary>Removes the wraps of a root, after the root that the settings name has opened every KEK.</summary>
    /// <param name="rootId">The root.</param>
    /// <param name="isDryRun">Whether to change nothing, and only report what would be done.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>What was done, or would be, in lines.</returns>
    /// <exception cref="StartRefusedException">It is needed, or the removal failed.</exception>
    public Task<string[]> Remove(string rootId, bool isDryRun, CancellationToken cancellationToken) => Run(async session =>
    {
        var stays = await session.Own.Open(cancellationToken);
        Refuse(RootRules.WhyNotRemove(rootId, stays.Id, session.Keks, session.Silos));
        await KekRewrapping.RequireAll(stays, session.Keks, cancellationToken);
        await RootVouching.Require(session, stays, cancellationToken);
        var wraps = session.Keks.Count - RootRules.Lacking(rootId, session.Keks);
        if (isDryRun)
        {
            return Lines($"Would remove the {wraps} wraps by the root key {rootId}; {stays.Id} opens {All(session)} by itself. Nothing was changed.");
        }

        var description = session.Roots.FirstOrDefault(r => r.Id == rootId)?.Description ?? "";
        if (await session.Records.Remove(rootId, stays.Id, description, cancellationToken) == 0)
        {
            throw new StartRefusedException($"The key-encryption keys changed meanwhile, and nothing was removed. Run okms root add for {stays.Id}, then this one again.");
        }

        RootRemoved(rootId, stays.Id);
        return Lines(
            $"The root key {rootId} wraps nothing in this database any more; {stays.Id} opens {All(session)} by itself.",
            "Backups from before still open with it, as long as it is there. To end that: root destroy " + rootId);
    }, cancellationToken);

    /// <summary>
    /// Generates a new root in the place of the silos' own and makes it wrap every KEK. Silos use it from their next start.
    /// </summary>
    /// <param name="isDryRun">Whether to change nothing, and only report what would be done.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>What was done, or would be, in lines.</returns>
    /// <exception cref="StartRefusedException">It cannot be done.</exception>
    public Task<string[]> Rotate(bool isDryRun, CancellationToken cancellationToken) => Run(async session =>
    {
        var place = session.Own;
        Refuse(place.WhyNoSuccessor);
        var current = await place.Open(cancellationToken);
        Refuse(RootRules.WhyNotRotate(current.Id, session.Silos));
        if (isDryRun)
        {
            return await WouldMake(session, place, current, cancellationToken);
        }

        var root = await place.MakeSuccessor(Unfinished(session, place), cancellationToken);
        var lines = await Wrap(session, place, current, root, isDryRun: false, cancellationToken);
        place.Switch(current.Id);
        return
        [
            .. lines, place.HowSilosSwitch,
            $"  root remove {current.Id}",
            $"  root destroy {current.Id}    (backups from before do not open any more)",
        ];
    }, cancellationToken);

    /// <summary>
    /// Destroys a root that no longer wraps anything: the key in the HSM, or the file. What only it opens, such as older backups,
    /// is lost for ever.
    /// </summary>
    /// <param name="rootId">The root.</param>
    /// <param name="isDryRun">Whether to change nothing, and only report what would be done.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>What was done, or would be, in lines.</returns>
    /// <exception cref="StartRefusedException">It is needed, missing, or cannot be destroyed.</exception>
    public Task<string[]> Destroy(string rootId, bool isDryRun, CancellationToken cancellationToken) => Run(async session =>
    {
        var record = session.Roots.FirstOrDefault(r => r.Id == rootId);
        Refuse(RootRules.WhyNotDestroy(rootId, record, session.Keks, session.Silos));
        var stays = await session.Own.Open(cancellationToken);
        await KekRewrapping.RequireAll(stays, session.Keks, cancellationToken);
        await RootVouching.Require(session, stays, cancellationToken);
        RootPlace[] places = session.Other is null ? [session.Own] : [session.Own, session.Other];
        if (isDryRun)
        {
            var root = await session.Find(rootId, cancellationToken);
            return Lines($"Would destroy the root key {root.Id}; {stays.Id} opens {All(session)} by itself. Nothing was changed.");
        }

        var isDestroyed = false;
        foreach (var place in places)
        {
            isDestroyed |= await place.Destroy(rootId, cancellationToken);
        }

        // A crash may have come between its destruction and the record of it, or between its record and its generation.
        if (!isDestroyed && !places.Any(p => p.Description == record!.Description))
        {
            throw session.NotFound(rootId);
        }

        await session.Records.NoteDestroyed(rootId, cancellationToken);
        RootDestroyed(rootId);
        var older = session.Keks.Count(k => record!.RemovedAt is { } removed && k.CreatedAt < removed);
        return
        [
            isDestroyed ? $"The root key {rootId} is destroyed." : $"The root key {rootId} was not there any more, and is noted as destroyed.",
            "Backups that only it opened are unusable. Copies of it that were made elsewhere are not: destroy those too.",
            .. older == 0 ? Lines() : Lines(
                $"{older} of the key-encryption keys are from before it was removed, and {stays.Id} wraps them: its holder could still open rows of older backups by them. To end that, rotate the KEK and destroy the retired ones."),
        ];
    }, cancellationToken);

    /// <summary>
    /// Makes the silos' own root vouch for the KEKs as the tables have them, when the manifest is lost or the tables were
    /// repaired, or a recovery root vouches for an older one.
    /// </summary>
    /// <param name="isDryRun">Whether to change nothing, and only report what would be done.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Every KEK that is, or would be, vouched for, in lines.</returns>
    /// <exception cref="StartRefusedException">Silos are running, or the root does not open every KEK.</exception>
    public Task<string[]> Accept(bool isDryRun, CancellationToken cancellationToken) => Run<string[]>(async session =>
    {
        Refuse(RootRules.WhyNotAccept(session.Silos));
        var root = await session.Own.Open(cancellationToken);
        var (manifest, wraps) = await RootVouching.Accept(session, root, cancellationToken);
        string[] lines = [.. session.Keks.Select(k => FormattableString.Invariant(
            $"{k.Id}  {manifest.Keks[k.Id].ToString().ToLowerInvariant()}  since {k.CreatedAt:u}"))];
        if (isDryRun)
        {
            return [.. lines, $"The root key {root.Id} would vouch for these key-encryption keys. Nothing was changed."];
        }

        var bytes = manifest.ToBytes();
        await session.Records.Add(
            root.Id, session.Own.Description, wraps, [(root.Id, new(bytes, await root.Authenticate(bytes, cancellationToken)))], cancellationToken,
            "root-accept");
        RootVouches(root.Id, manifest.Generation);
        return [.. lines, $"The root key {root.Id} vouches for these key-encryption keys and no other. Other root keys have to be added again."];
    }, cancellationToken);

    private Task<T> Run<T>(Func<RootSession, Task<T>> work, CancellationToken cancellationToken) =>
        RootSession.Run(options, other, time, loggers, work, cancellationToken);

    private async Task<string[]> Wrap(
        RootSession session, RootPlace place, IRootKey own, IRootKey root, bool isDryRun, CancellationToken cancellationToken)
    {
        var wraps = await KekRewrapping.Complete(session.Keks, own, root, cancellationToken);
        var manifests = await RootVouching.Complete(session, own, root, cancellationToken);
        List<string> lines = [.. wraps.Select(w => $"{(isDryRun ? "Would wrap" : "Wrapped")} the key-encryption key {w.Kek} by the root key {w.RootId}.")];
        if (isDryRun)
        {
            return [.. lines, $"{(wraps.Count == 0 && manifests.Count == 0 ? $"The root key {root.Id} opens {All(session)} already. " : "")}Nothing was changed."];
        }

        await session.Records.Add(root.Id, place.Description, wraps, manifests, cancellationToken);
        RootAdded(root.Id, wraps.Count, session.Keks.Count);
        return [.. lines, $"The root key {root.Id} opens {All(session)} by itself{(wraps.Count == 0 && manifests.Count == 0 ? ", as before" : "")}."];
    }

    private static async Task<string[]> WouldMake(
        RootSession session, RootPlace place, IRootKey own, CancellationToken cancellationToken)
    {
        await KekRewrapping.RequireAll(own, session.Keks, cancellationToken);
        return Lines($"Would make a root key at {place.Description}, and wrap {All(session)} by it. Nothing was changed.");
    }

    /// <summary>A root that was recorded here but wrapped nothing yet when its generation was interrupted.</summary>
    private static string? Unfinished(RootSession session, RootPlace place) => session.Roots.LastOrDefault(r =>
        r is { RemovedAt: null, DestroyedAt: null } && r.Description == place.Description
        && RootRules.Lacking(r.Id, session.Keks) == session.Keks.Count)?.Id;

    private static void Refuse(string? reason)
    {
        if (reason is not null)
        {
            throw new StartRefusedException(reason);
        }
    }

    private static string All(RootSession session) =>
        session.Keks.Count == 1 ? "the one key-encryption key" : FormattableString.Invariant($"all {session.Keks.Count} key-encryption keys");

    private static string[] Lines(params string[] lines) => lines;

    [LoggerMessage(Level = LogLevel.Information, Message = "The root key {RootId} wraps all {Count} KEKs; {New} wraps are new")]
    private partial void RootAdded(string rootId, int @new, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The root key {RootId} vouches for the KEKs as they were found: manifest of generation {Generation}")]
    private partial void RootVouches(string rootId, long generation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The root key {RootId} was removed; {Stays} opens all KEKs")]
    private partial void RootRemoved(string rootId, string stays);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The root key {RootId} was destroyed")]
    private partial void RootDestroyed(string rootId);
}
