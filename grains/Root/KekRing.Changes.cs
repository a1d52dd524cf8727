using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

// Changes of the ring. Each renews the manifest in the same transaction, so no crash can come between; the caller holds the
// schema's lock, and the transaction checks that the manifest is still the expected one, in case the lock was lost.
internal sealed partial class KekRing
{
    /// <summary>Makes a new KEK under which nothing is sealed yet.</summary>
    /// <exception cref="KmsException">
    /// conflict: the tables are not as the root vouches for, or changed in the meantime.
    /// </exception>
    internal Task<KekId> Add(CancellationToken cancellationToken) => Store(isCurrent: false, cancellationToken);

    /// <summary>Makes a new KEK that seals everything from now on, here and in the database.</summary>
    internal async Task<KekId> AddCurrent(CancellationToken cancellationToken)
    {
        var id = await Store(isCurrent: true, cancellationToken);
        return await Reload(id, cancellationToken) is null
            ? throw new InvalidOperationException("internal error: a new KEK does not open.")
            : id;
    }

    /// <summary>Makes a KEK the current one, in the database.</summary>
    /// <exception cref="KmsException">conflict: it is not a new one, or as for <see cref="Add"/>.</exception>
    internal async Task MakeCurrent(KekId id, CancellationToken cancellationToken) =>
        await store.MakeCurrent(id, await Next(manifest => manifest.WithCurrent(id), cancellationToken), cancellationToken);

    /// <summary>The manifest without a KEK, to be stored when the KEK is deleted.</summary>
    /// <exception cref="KmsException">conflict: it is the current one, or as for <see cref="Add"/>.</exception>
    internal Task<ManifestChange?> WithoutKek(KekId id, CancellationToken cancellationToken) =>
        Next(manifest => manifest.Without(id), cancellationToken);

    /// <summary>Whether the cluster's level requires a manifest, and there is none yet.</summary>
    internal bool LacksManifest { get; private set; }

    /// <summary>Makes the first manifest while the silo runs. The caller holds the schema's lock.</summary>
    internal async Task Trust(int epoch, CancellationToken cancellationToken)
    {
        await Reload(default, cancellationToken);
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            var stored = await store.Read(root.Id, cancellationToken);
            if (_manifest is null && _problem is null && stored is { MayHaveManifest: true, Manifests: 0 })
            {
                await Trust(stored, epoch, cancellationToken);
            }
        }
        finally
        {
            _reloading.Release();
        }
    }

    private async Task MakeFirst(int epoch, CancellationToken cancellationToken)
    {
        using var kek = SecretBytes.Random(XAes256Gcm.KeyLength);
        var id = KekOpening.IdOf(kek.Span);
        var mayHaveManifest = (await store.Read(root.Id, cancellationToken)).MayHaveManifest;
        await Store(
            kek, id, isCurrent: true,
            mayHaveManifest ? RingManifest.First(epoch, new Dictionary<KekId, RingState> { [id] = RingState.Current }) : null,
            cancellationToken);
    }

    private async Task<KekId> Store(bool isCurrent, CancellationToken cancellationToken)
    {
        await RequireAgreement(cancellationToken);
        using var kek = SecretBytes.Random(XAes256Gcm.KeyLength);
        var id = KekOpening.IdOf(kek.Span);
        var next = _manifest?.WithNew(id);
        await Store(kek, id, isCurrent, isCurrent ? next?.WithCurrent(id) : next, cancellationToken);
        return id;
    }

    private async Task Store(
        SecretBytes kek, KekId id, bool isCurrent, RingManifest? manifest, CancellationToken cancellationToken)
    {
        if (manifest is null)
        {
            await store.Add(id, root.Id, await root.Wrap(id, kek, cancellationToken), isCurrent, null, cancellationToken);
        }
        else
        {
            using var born = new KekBirth(manifest.Installation, manifest.Generation).With(kek.Span);
            await store.Add(
                id, root.Id, await root.Wrap(id, born, cancellationToken), isCurrent,
                await Vouched(manifest, cancellationToken), cancellationToken);
        }

        KekCreated(id);
    }

    private async Task<ManifestChange?> Next(Func<RingManifest, RingManifest> change, CancellationToken cancellationToken)
    {
        await RequireAgreement(cancellationToken);
        return _manifest is null ? null : await Vouched(change(_manifest), cancellationToken);
    }

    // Unauthorised changes of the tables must not get into the next manifest.
    private async Task RequireAgreement(CancellationToken cancellationToken)
    {
        await Reload(default, cancellationToken);
        if (_problem is { } problem)
        {
            throw KmsError.Conflict.Exception($"The KEKs are not as the root key vouches for, and none is changed: {problem}.");
        }
    }
}
