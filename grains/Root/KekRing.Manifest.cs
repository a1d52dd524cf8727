using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

// The manifest: at a start, where nothing is remembered and everything must be proven by what was read; and while the silo runs,
// where only successors of the newest one that it has seen are trusted.
internal sealed partial class KekRing
{
    private const string Repair = "If you know how this came about, restore the tables okms_kek, okms_kek_wrap and "
        + "okms_kek_manifest from a backup of today, or check the KEKs with okms root list and make the root key vouch "
        + "for them as they are with okms root accept.";

    /// <summary>The manifest as the root vouches for it.</summary>
    /// <returns>Null where there is none; the caller decides what that means.</returns>
    /// <exception cref="StartRefusedException">The root does not vouch for the manifest that is there.</exception>
    private async Task<RingManifest?> OpenManifest(StoredRing stored, CancellationToken cancellationToken)
    {
        if (stored.Manifest is null)
        {
            return stored.Manifests == 0 ? null : throw new StartRefusedException(
                $"The root key {root.Id} does not vouch for the key-encryption keys of this database; another one does. Run okms root add with both.");
        }

        var manifest = await root.TryRead(stored.Manifest, cancellationToken) ?? throw new StartRefusedException(
            $"The root key {root.Id} does not vouch for the manifest of the key-encryption keys: it was changed in the database, or is that of another installation or root key. {Repair}");
        foreach (var other in await store.ReadOtherManifests(root.Id, cancellationToken))
        {
            // Nothing shows that the other root key vouches for it; but a silo must not use what may be an older ring.
            if (RingManifest.TryRead(other) is { } newer && newer.Installation == manifest.Installation && newer.WhyNotAfter(manifest) is null)
            {
                RequireWraps(stored.Keks);
                throw new StartRefusedException(
                    $"The root key {root.Id} vouches for the key-encryption keys as they were in generation {manifest.Generation}, and another one for generation {newer.Generation}: run okms root add with it again, then start.");
            }
        }

        return manifest;
    }

    private async Task OpenAll(
        List<StoredKek> stored, RingManifest? manifest, Dictionary<KekId, Kek> opened, CancellationToken cancellationToken)
    {
        foreach (var kek in stored)
        {
            var isListed = manifest is null || manifest.Keks.ContainsKey(kek.Id);
            using var one = await root.TryOpen(kek.Id, kek.Wrapped, cancellationToken);
            if (one is null && (isListed || await store.HasRows(kek.Id, cancellationToken)))
            {
                throw new StartRefusedException(
                    $"The root key {root.Id} does not open the key-encryption key {kek.Id} of this database. Start with the root key that belongs to it.");
            }

            // Also one that the manifest does not list: made later, it shows that the manifest is older.
            if (RingCheck.WhyOutdated(manifest, kek.Id, one?.Birth) is { } outdated)
            {
                throw new StartRefusedException($"The key-encryption keys are not as the root key vouches for: {outdated}. {Repair}");
            }

            if (isListed)
            {
                opened[kek.Id] = new Kek(kek.Id, new XAes256Gcm(one!.Key));
            }
        }
    }

    /// <summary>
    /// Refuses a manifest from before a KEK became current, which the rows under that KEK reveal: nobody can remove those without
    /// losing their content.
    /// </summary>
    private async Task RequireNoOlderManifest(RingManifest manifest, CancellationToken cancellationToken)
    {
        foreach (var (id, _) in manifest.Keks.Where(k => k.Value == RingState.New))
        {
            if (await store.HasRows(id, cancellationToken))
            {
                throw new StartRefusedException(
                    $"The key-encryption keys are not as the root key vouches for: the manifest of generation {manifest.Generation} is an older one that was put back, since rows are sealed under the KEK {id}, which it calls new. {Repair}");
            }
        }
    }

    /// <summary>After an upgrade makes the first manifest, and in a new restore epoch one above all that were lost.</summary>
    private async Task Renew(StoredRing stored, int epoch, CancellationToken cancellationToken)
    {
        if (_manifest is null)
        {
            if (stored.MayHaveManifest)
            {
                await Trust(stored, epoch, cancellationToken);
            }

            return;
        }

        if (_manifest.Epoch > epoch)
        {
            throw new StartRefusedException(
                $"The manifest of the key-encryption keys is of restore epoch {_manifest.Epoch}, and the database says {epoch}: it was put back in part. {Repair}");
        }

        if (_manifest.Epoch < epoch)
        {
            var next = _manifest.InEpoch(epoch);
            var change = await Vouched(next, cancellationToken);
            await store.Vouch(change, [], cancellationToken);
            (_manifest, _stored) = (next, change.Next);
            RenewedAfterRestore(epoch, next.Generation);
        }
    }

    /// <summary>
    /// Makes the first manifest of a database that was used before there were any: what is there now is trusted, once. Every KEK
    /// is rewrapped with its birth, so that a start notices if the manifest is removed afterwards. The caller holds the schema's
    /// lock.
    /// </summary>
    private async Task Trust(StoredRing stored, int epoch, CancellationToken cancellationToken)
    {
        var current = Ring.Current.Id;
        var manifest = RingManifest.First(epoch, stored.Keks.ToDictionary(
            k => k.Id, k => k.Id == current ? RingState.Current : k.IsNew ? RingState.New : RingState.Superseded));
        List<(KekId, byte[])> wraps = [];
        foreach (var kek in stored.Keks)
        {
            using var opened = await root.TryOpen(kek.Id, kek.Wrapped, cancellationToken)
                ?? throw new StartRefusedException($"The root key {root.Id} does not open the key-encryption key {kek.Id}: run okms root add with it.");
            using var born = new KekBirth(manifest.Installation, manifest.Generation).With(opened.Key);
            wraps.Add((kek.Id, await root.Wrap(kek.Id, born, cancellationToken)));
        }

        var change = await Vouched(manifest, cancellationToken);
        await store.Vouch(change, wraps, cancellationToken);
        (_manifest, _stored) = (manifest, change.Next);
        TrustedOnFirstUse(root.Id, stored.Keks.Count, current);
    }

    /// <summary>Takes over a manifest that follows the known one.</summary>
    /// <returns>Why what is stored is not trusted; null when it is.</returns>
    private async Task<string?> Accept(StoredRing stored, CancellationToken cancellationToken)
    {
        if (stored.Manifest is null)
        {
            return _manifest is null ? null : "the manifest is missing from the table okms_kek_manifest";
        }

        if (stored.Manifest.Is(_stored))
        {
            return null;
        }

        if (await root.TryRead(stored.Manifest, cancellationToken) is not { } next)
        {
            return "the manifest in the table okms_kek_manifest is not one that the root key vouches for";
        }

        var why = _manifest is { } known ? next.WhyNotAfter(known) : WhyNotFirst(next);
        if (why is null)
        {
            (_manifest, _stored) = (next, stored.Manifest);
        }

        return why;
    }

    private string? WhyNotFirst(RingManifest first) =>
        first.Current != Ring.Current.Id && _superseded.Contains(first.Current) ? $"the manifest goes back to the KEK {first.Current}, which was superseded"
        : first.Keks.Keys.FirstOrDefault(_destroyed.Contains) is var gone && gone != default ? $"the manifest lists the KEK {gone}, which was destroyed"
        : null;

    /// <summary>A manifest with the root's MAC, to replace the known one.</summary>
    private async Task<ManifestChange> Vouched(RingManifest next, CancellationToken cancellationToken)
    {
        var bytes = next.ToBytes();
        return new(root.Id, _stored, new(bytes, await root.Authenticate(bytes, cancellationToken)));
    }
}
