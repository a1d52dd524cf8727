using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// The KEKs, opened by the root when the silo starts and again when a row names one that the silo does not have. Readers see an
/// immutable snapshot.
/// </summary>
/// <remarks>
/// The manifest, which the root key authenticates, says which KEKs there are and which is current; the tables only hold the
/// wraps. If the two differ, somebody has changed the tables without authority, and the ring stays as it is: no KEK that the
/// manifest does not list seals or opens a row. <c>KekRing.Changes.cs</c> makes the next manifest with each change.
/// </remarks>
internal sealed partial class KekRing(IRootKey root, KekStore store, ILogger<KekRing> logger) : IKekRing, IAnnouncedKeks, IRingHealth, IDisposable
{
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private volatile Snapshot? _snapshot;
    private readonly HashSet<KekId> _notOpened = [];
    private readonly HashSet<KekId> _destroyed = [];
    private readonly HashSet<KekId> _superseded = [];
    private List<Kek> _leaving = [];
    private List<Kek> _left = [];
    private volatile RingManifest? _manifest;
    private StoredManifest? _stored;
    private volatile string? _problem;

    /// <inheritdoc/>
    public Kek Current => Ring.Current;

    /// <inheritdoc/>
    public Kek? Find(KekId id) => Ring.ById.GetValueOrDefault(id);

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Installation => _manifest?.Installation.ToBytes();

    /// <inheritdoc/>
    public KekId CurrentId => Current.Id;

    /// <summary>The ids of all KEKs that are open, in order.</summary>
    public IReadOnlyList<KekId> Ids => [.. Ring.ById.Keys.OrderBy(id => (id.High, id.Low))];

    /// <summary>The root that opens the KEKs here; known once the ring is open.</summary>
    public string RootId => root.Id;

    /// <summary>The newest manifest that this silo has seen; null while there is none.</summary>
    public RingManifest? Manifest => _manifest;

    /// <inheritdoc/>
    public string? Problem => _problem;

    private Snapshot Ring => _snapshot ?? throw new InvalidOperationException("The KEK ring is not open yet.");

    /// <summary>Opens the ring; makes the first KEK in an empty database. The caller holds the schema's lock.</summary>
    /// <param name="epoch">The restore epoch.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="StartRefusedException">
    /// The root is missing or does not open every KEK, or does not vouch for the manifest that must exist.
    /// </exception>
    public async Task Open(int epoch, CancellationToken cancellationToken)
    {
        var isInUse = await store.IsInUse(cancellationToken);
        await root.Open(mayCreate: !isInUse, cancellationToken);
        if (!isInUse)
        {
            await MakeFirst(epoch, cancellationToken);
        }

        var stored = await store.Read(root.Id, cancellationToken);
        if (stored.Manifest is null)
        {
            RequireWraps(stored.Keks);
        }

        var manifest = await OpenManifest(stored, cancellationToken);
        if (manifest is not null)
        {
            // An unlisted KEK with rows was made after this manifest, unless its wrap shows otherwise.
            var needed = new List<StoredKek>();
            foreach (var kek in stored.Keks)
            {
                if (manifest.Keks.ContainsKey(kek.Id) || (kek.Wrapped is null && await store.HasRows(kek.Id, cancellationToken)))
                {
                    needed.Add(kek);
                }
            }

            RequireWraps(needed);
        }

        var opened = new Dictionary<KekId, Kek>();
        try
        {
            await OpenAll(stored.Keks, manifest, opened, cancellationToken);
            if (manifest is not null)
            {
                await RequireNoOlderManifest(manifest, cancellationToken);
            }

            // Left by an earlier start that failed after this; nothing has used it.
            var former = _snapshot;
            _snapshot = Snapshot.Of(opened, manifest?.Current ?? stored.Keks.Find(k => k.IsCurrent)?.Id)
                ?? throw new StartRefusedException("The database has rows, but no current key-encryption key. Restore the table okms_kek.");
            (_manifest, _stored) = (manifest, stored.Manifest);
            if (former is not null) Erase(former.ById.Values);
        }
        catch
        {
            Erase(opened.Values);
            throw;
        }

        Report(manifest is null ? null : RingCheck.Disagreement(manifest, stored.Keks));
        await Renew(stored, epoch, cancellationToken);
        RingOpened(opened.Count, _snapshot.Current.Id, _manifest?.Generation ?? 0);
    }

    /// <inheritdoc/>
    public async Task<Kek?> Reload(KekId id, CancellationToken cancellationToken)
    {
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            return Find(id) ?? await Refresh(id, cancellationToken);
        }
        finally
        {
            _reloading.Release();
        }
    }

    /// <summary>
    /// Takes over the current state of the database: opens added KEKs, seals under the current one, and erases destroyed ones.
    /// </summary>
    public async Task Refresh(CancellationToken cancellationToken)
    {
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            await Refresh(default(KekId), cancellationToken);

            // An operation that began before may still use one; none lasts from one refresh to the next.
            Erase(_left);
            (_left, _leaving) = (_leaving, []);
        }
        finally
        {
            _reloading.Release();
        }
    }

    /// <summary>Erases the KEKs.</summary>
    public void Dispose()
    {
        Erase(_left.Concat(_leaving).Concat(_snapshot?.ById.Values ?? []));
        _reloading.Dispose();
    }

    // A row with a made-up KEK id costs one query, and the root is never asked for a KEK that is already open.
    private async Task<Kek?> Refresh(KekId wanted, CancellationToken cancellationToken)
    {
        var stored = await store.Read(root.Id, cancellationToken);
        var problem = await Accept(stored, cancellationToken);
        problem ??= _manifest is { } manifest ? RingCheck.Disagreement(manifest, stored.Keks) : Regression(stored.Keks);
        var opened = new Dictionary<KekId, Kek>(Ring.ById);
        try
        {
            foreach (var kek in stored.Keks.Where(k => !opened.ContainsKey(k.Id) && IsListed(k.Id)))
            {
                problem = await OpenAdded(kek, opened, cancellationToken) ?? problem;
            }
        }
        catch
        {
            Erase(opened.Values.Except(Ring.ById.Values));
            throw;
        }

        Report(problem);
        LacksManifest = stored.MayHaveManifest && _manifest is null;
        var current = _manifest?.Current ?? (problem is null ? stored.Keks.Find(k => k.IsCurrent)?.Id : Ring.Current.Id);
        if (current is null || !opened.ContainsKey(current.Value))
        {
            // If the current one does not open here, the previous one stays.
            _snapshot = Ring with { ById = opened.ToFrozenDictionary() };
            return Find(wanted);
        }

        if (current != Ring.Current.Id)
        {
            _superseded.Add(Ring.Current.Id);
        }

        Leave(opened, stored.Keks, current.Value);
        _snapshot = Snapshot.Of(opened, current);
        return Find(wanted);
    }

    private bool IsListed(KekId id) => _manifest is { } manifest ? manifest.Keks.ContainsKey(id) : !_destroyed.Contains(id);

    private async Task<string?> OpenAdded(StoredKek kek, Dictionary<KekId, Kek> opened, CancellationToken cancellationToken)
    {
        using var added = await root.TryOpen(kek.Id, kek.Wrapped, cancellationToken);
        if (added is null)
        {
            if (_notOpened.Add(kek.Id))
            {
                KekDoesNotOpen(kek.Id, root.Id);
            }

            return null;
        }

        if (_manifest is not null && RingCheck.WhyOutdated(_manifest, kek.Id, added.Birth) is { } outdated)
        {
            return outdated;
        }

        opened[kek.Id] = new Kek(kek.Id, new XAes256Gcm(added.Key));
        return null;
    }

    // A destroyed KEK leaves; one that disappeared only because somebody deleted rows stays, for rows still under it.
    private void Leave(Dictionary<KekId, Kek> opened, List<StoredKek> stored, KekId current)
    {
        var gone = _manifest is { } manifest
            ? opened.Keys.Where(id => !manifest.Keks.ContainsKey(id))
            : opened.Keys.Except(stored.Select(k => k.Id)).Where(id => id != current);
        foreach (var id in gone.ToList())
        {
            opened.Remove(id);
            _destroyed.Add(id);
            if (Ring.ById.TryGetValue(id, out var kek))
            {
                _leaving.Add(kek);
            }
        }
    }

    /// <summary>Whether tables without a manifest go back behind what this silo has seen.</summary>
    private string? Regression(List<StoredKek> stored) =>
        stored.Find(k => _destroyed.Contains(k.Id)) is { } again ? $"the KEK {again.Id} was destroyed, and somebody has put it back into the table okms_kek"
        : stored.Find(k => k.IsCurrent) is { } current && _superseded.Contains(current.Id) ? $"the KEK {current.Id} was superseded, and somebody has made it the current one again"
        : null;

    // One line for each change of what is wrong.
    private void Report(string? problem)
    {
        if (problem is not null && problem != _problem)
        {
            RingDisagrees(problem, _snapshot!.Current.Id);
        }
        else if (problem is null && _problem is not null)
        {
            RingAgrees();
        }

        _problem = problem;
    }

    private static void Erase(IEnumerable<Kek> keks)
    {
        foreach (var kek in keks)
        {
            kek.Cipher.Dispose();
        }
    }

    private void RequireWraps(List<StoredKek> stored)
    {
        var lacking = stored.Count(k => k.Wrapped is null);
        if (lacking > 0)
        {
            throw new StartRefusedException(lacking == stored.Count
                ? $"The root key {root.Id} does not open the key-encryption keys of this database. Start with a root key that does, or let this one wrap them too by okms root add."
                : $"The root key {root.Id} does not open {lacking} of the {stored.Count} key-encryption keys of this database, which are newer than its wraps: run okms root add with it again, then start.");
        }
    }

    private sealed record Snapshot(FrozenDictionary<KekId, Kek> ById, Kek Current)
    {
        public static Snapshot? Of(Dictionary<KekId, Kek> opened, KekId? current) =>
            current is { } id && opened.TryGetValue(id, out var kek) ? new Snapshot(opened.ToFrozenDictionary(), kek) : null;
    }

    // All in this file: the generator writes those of several files in another order each time, and two builds would differ.
    [LoggerMessage(Level = LogLevel.Information, Message = "KEK ring open: {Count} KEKs, current {Current}, manifest of generation {Generation}")]
    private partial void RingOpened(int count, KekId current, long generation);

    [LoggerMessage(Level = LogLevel.Error, Message = "KEK {KekId} is not opened by the root key {RootId} of this silo: rows under it cannot be read here until okms root add has run with it")]
    private partial void KekDoesNotOpen(KekId kekId, string rootId);

    [LoggerMessage(Level = LogLevel.Error, Message = "THE KEKS ARE NOT AS THE ROOT KEY VOUCHES FOR: {Problem}. This silo goes on sealing under {Current}")]
    private partial void RingDisagrees(string problem, KekId current);

    [LoggerMessage(Level = LogLevel.Information, Message = "The KEKs are again as the root key vouches for")]
    private partial void RingAgrees();

    [LoggerMessage(Level = LogLevel.Information, Message = "KEK {KekId} created")]
    private partial void KekCreated(KekId kekId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The root key {RootId} vouches for {Count} KEKs from now on, current {Current}: they are trusted as they were found. Rotate the KEK once, so that nobody can take this back with wraps from an older backup")]
    private partial void TrustedOnFirstUse(string rootId, int count, KekId current);

    [LoggerMessage(Level = LogLevel.Information, Message = "The manifest of the KEKs is renewed in restore epoch {Epoch}: generation {Generation}")]
    private partial void RenewedAfterRestore(int epoch, long generation);
}
