using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// The KEKs, opened once by the root when the silo starts and again when a row names one that the silo does not know. Readers
/// see an immutable snapshot.
/// </summary>
internal sealed partial class KekRing(IRootKey root, KekStore store, ILogger<KekRing> logger) : IKekRing, IDisposable
{
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private volatile Snapshot? _snapshot;
    private readonly HashSet<KekId> _notOpened = [];
    private List<Kek> _leaving = [];
    private List<Kek> _left = [];

    /// <inheritdoc/>
    public Kek Current => Ring.Current;

    /// <inheritdoc/>
    public Kek? Find(KekId id) => Ring.ById.GetValueOrDefault(id);

    /// <summary>The ids of all KEKs that are open, in order.</summary>
    public IReadOnlyList<KekId> Ids => [.. Ring.ById.Keys.OrderBy(id => (id.High, id.Low))];

    /// <summary>The root that opens the KEKs here; known once the ring is open.</summary>
    public string RootId => root.Id;

    private Snapshot Ring => _snapshot ?? throw new InvalidOperationException("The KEK ring is not open yet.");

    /// <summary>Opens the ring; makes the first KEK in an empty database. The caller holds the schema's lock.</summary>
    /// <exception cref="StartRefusedException">The root is missing or does not open every KEK.</exception>
    public async Task Open(CancellationToken cancellationToken)
    {
        var isInUse = await store.IsInUse(cancellationToken);
        await root.Open(mayCreate: !isInUse, cancellationToken);
        if (!isInUse)
        {
            await StoreNewKek(cancellationToken);
        }

        var stored = await store.ReadAll(root.Id, cancellationToken);
        RequireWraps(stored);
        var opened = new Dictionary<KekId, Kek>();
        try
        {
            foreach (var kek in stored)
            {
                opened[kek.Id] = await TryOpen(kek, cancellationToken)
                    ?? throw new StartRefusedException(
                        $"The root key {root.Id} does not open the key-encryption key {kek.Id} of this database. Start with the root key that belongs to it.");
            }

            // Of an attempt at a start that failed after this; nothing has used it.
            var former = _snapshot;
            _snapshot = Snapshot.Of(opened, stored)
                ?? throw new StartRefusedException("The database has rows, but no current key-encryption key. Restore the table okms_kek.");
            if (former is not null) Erase(former.ById.Values);
        }
        catch
        {
            Erase(opened.Values);
            throw;
        }

        RingOpened(opened.Count, _snapshot.Current.Id);
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
    /// Takes over what the database says now: opens KEKs that were added, seals under the one that is current, and erases those
    /// that are destroyed.
    /// </summary>
    internal async Task Refresh(CancellationToken cancellationToken)
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

    /// <summary>Makes a new KEK that nothing is sealed under yet.</summary>
    internal async Task<KekId> Add(CancellationToken cancellationToken)
    {
        using var kek = SecretBytes.Random(XAes256Gcm.KeyLength);
        var id = KekOpening.IdOf(kek.Span);
        await store.Add(id, root.Id, await root.Wrap(id, kek, cancellationToken), cancellationToken);
        KekCreated(id);
        return id;
    }

    /// <summary>Makes a new KEK that everything new is sealed under from now on, here and in the database.</summary>
    internal async Task<KekId> AddCurrent(CancellationToken cancellationToken)
    {
        var id = await StoreNewKek(cancellationToken);
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            _ = await Refresh(id, cancellationToken) ?? throw new InvalidOperationException("internal error: a new KEK does not open.");
        }
        finally
        {
            _reloading.Release();
        }

        return id;
    }

    /// <summary>Erases the KEKs.</summary>
    public void Dispose()
    {
        Erase(_left.Concat(_leaving).Concat(_snapshot?.ById.Values ?? []));
        _reloading.Dispose();
    }

    private async Task<KekId> StoreNewKek(CancellationToken cancellationToken)
    {
        using var kek = SecretBytes.Random(XAes256Gcm.KeyLength);
        var id = KekOpening.IdOf(kek.Span);
        await store.AddCurrent(id, root.Id, await root.Wrap(id, kek, cancellationToken), cancellationToken);
        KekCreated(id);
        return id;
    }

    // A row with a made-up KEK id costs one query, and the root is asked for no KEK that is open already.
    private async Task<Kek?> Refresh(KekId wanted, CancellationToken cancellationToken)
    {
        var stored = await store.ReadAll(root.Id, cancellationToken);
        var opened = new Dictionary<KekId, Kek>(Ring.ById);
        try
        {
            foreach (var kek in stored.Where(k => !opened.ContainsKey(k.Id)))
            {
                if (await TryOpen(kek, cancellationToken) is { } cipher)
                {
                    opened[kek.Id] = cipher;
                }
                else if (_notOpened.Add(kek.Id))
                {
                    KekDoesNotOpen(kek.Id, root.Id);
                }
            }
        }
        catch
        {
            Erase(opened.Values.Except(Ring.ById.Values));
            throw;
        }

        if (Snapshot.Of(opened, stored) is not { } next)
        {
            _snapshot = Ring with { ById = opened.ToFrozenDictionary() };
            return Find(wanted);
        }

        var destroyed = opened.Keys.Except(stored.Select(k => k.Id)).ToList();
        destroyed.ForEach(id => opened.Remove(id));
        _leaving.AddRange(destroyed.Select(id => Ring.ById[id]));
        _snapshot = destroyed.Count == 0 ? next : next with { ById = opened.ToFrozenDictionary() };
        return Find(wanted);
    }

    private async Task<Kek?> TryOpen(StoredKek stored, CancellationToken cancellationToken)
    {
        using var kek = await root.TryOpen(stored.Id, stored.Wrapped, cancellationToken);
        return kek is null ? null : new Kek(stored.Id, new XAes256Gcm(kek.Span));
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
                ? $"The root key {root.Id} does not open the key-encryption keys of this database. Start with a root key that does, or let this one wrap them too by the command root add."
                : $"The root key {root.Id} does not open {lacking} of the {stored.Count} key-encryption keys of this database, which are newer than its wraps: run the command root add with it again, then start.");
        }
    }

    private sealed record Snapshot(FrozenDictionary<KekId, Kek> ById, Kek Current)
    {
        public static Snapshot? Of(Dictionary<KekId, Kek> opened, List<StoredKek> stored) =>
            stored.Find(k => k.IsCurrent) is { } current && opened.TryGetValue(current.Id, out var kek)
                ? new Snapshot(opened.ToFrozenDictionary(), kek)
                : null;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "KEK ring open: {Count} KEKs, current {Current}")]
    private partial void RingOpened(int count, KekId current);

    [LoggerMessage(Level = LogLevel.Information, Message = "KEK {KekId} created")]
    private partial void KekCreated(KekId kekId);

    [LoggerMessage(Level = LogLevel.Error, Message = "KEK {KekId} is not opened by the root key {RootId} of this silo: rows under it cannot be read here until the command root add has run with it")]
    private partial void KekDoesNotOpen(KekId kekId, string rootId);
}
