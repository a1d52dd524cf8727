using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// The manifest of the KEKs during changes of roots: who vouches for it, and who must from now on. Writes nothing.
/// </summary>
internal static class RootVouching
{
    /// <summary>The MACs that are missing for each of two roots to vouch for the newest manifest of either.</summary>
    /// <exception cref="StartRefusedException">Neither vouches for one, or the tables differ from it.</exception>
    public static async Task<List<(string RootId, StoredManifest Manifest)>> Complete(
        RootSession session, IRootKey own, IRootKey other, CancellationToken cancellationToken)
    {
        if (session.Manifests.Count == 0)
        {
            return [];
        }

        var read = new[] { await TryRead(session, own, cancellationToken), await TryRead(session, other, cancellationToken) };
        var newest = read.OfType<RingManifest>().MaxBy(m => (m.Epoch, m.Generation)) ?? throw new StartRefusedException(
            $"Neither the root key {own.Id} nor {other.Id} vouches for the manifest of the key-encryption keys. Run the command with the settings of a root key that does, or root accept.");
        RequireAgreement(session, newest);
        List<(string, StoredManifest)> missing = [];
        var bytes = newest.ToBytes();
        foreach (var (root, manifest) in new[] { own, other }.Zip(read))
        {
            if (manifest is null || !manifest.ToBytes().AsSpan().SequenceEqual(bytes))
            {
                missing.Add((root.Id, new(bytes, await root.Authenticate(bytes, cancellationToken))));
            }
        }

        return missing;
    }

    /// <summary>Requires that a root vouches for the KEKs as they are, if any root does.</summary>
    /// <exception cref="StartRefusedException">It does not.</exception>
    public static async Task Require(RootSession session, IRootKey root, CancellationToken cancellationToken)
    {
        if (session.Manifests.Count == 0)
        {
            return;
        }

        var manifest = await TryRead(session, root, cancellationToken) ?? throw new StartRefusedException(
            $"The root key {root.Id} does not vouch for the manifest of the key-encryption keys. Run okms root add.");
        if (session.Manifests.Values.Select(m => RingManifest.TryRead(m.Bytes)).OfType<RingManifest>().Any(m => m.WhyNotAfter(manifest) is null))
        {
            throw new StartRefusedException(
                $"The root key {root.Id} vouches for the key-encryption keys as they were before their last change. Run okms root add.");
        }

        RequireAgreement(session, manifest);
    }

    /// <summary>
    /// What a root must store to vouch for the KEKs as the tables have them now, whatever any manifest says: an operator has
    /// checked them.
    /// </summary>
    /// <returns>The manifest, and every KEK wrapped with its birth.</returns>
    /// <exception cref="StartRefusedException">The root does not open every KEK, or none is current.</exception>
    public static async Task<(RingManifest Manifest, List<NewWrap> Wraps)> Accept(
        RootSession session, IRootKey root, CancellationToken cancellationToken)
    {
        if (session.Keks.Count(k => k.IsCurrent) != 1)
        {
            throw new StartRefusedException("No key-encryption key is the current one. Restore the table okms_kek.");
        }

        var known = session.Manifests.Values.Select(m => RingManifest.TryRead(m.Bytes)).OfType<RingManifest>().ToList();
        List<(KekId Id, OpenedKek Opened)> opened = [];
        try
        {
            foreach (var kek in session.Keks)
            {
                opened.Add((kek.Id, await root.TryOpen(kek.Id, kek.Wraps.GetValueOrDefault(root.Id), cancellationToken)
                    ?? throw new StartRefusedException($"The root key {root.Id} does not open the key-encryption key {kek.Id}. Run okms root add, or remove that one.")));
            }

            // Above everything that was ever vouched for here, so that none of it can follow.
            var births = opened.Select(o => o.Opened.Birth).OfType<KekBirth>().ToList();
            var generation = known.Select(m => m.Generation).Concat(births.Select(b => b.Generation)).DefaultIfEmpty(0).Max() + 1;
            var manifest = RingManifest.First(session.Epoch, session.Keks.ToDictionary(
                k => k.Id, k => k.IsCurrent ? RingState.Current : k.IsNew ? RingState.New : RingState.Superseded)) with
            {
                Generation = generation,
            };

            // A new installation: what was vouched for before no longer belongs to it.
            List<NewWrap> wraps = [];
            foreach (var (id, kek) in opened)
            {
                using var born = new KekBirth(manifest.Installation, generation).With(kek.Key);
                wraps.Add(new(id, root.Id, await root.Wrap(id, born, cancellationToken)));
            }

            return (manifest, wraps);
        }
        finally
        {
            opened.ForEach(o => o.Opened.Dispose());
        }
    }

    private static async Task<RingManifest?> TryRead(RootSession session, IRootKey root, CancellationToken cancellationToken) =>
        session.Manifests.TryGetValue(root.Id, out var stored) ? await root.TryRead(stored, cancellationToken) : null;

    private static void RequireAgreement(RootSession session, RingManifest manifest)
    {
        if (RingCheck.Disagreement(manifest, [.. session.Keks.Select(k => new StoredKek(k.Id, k.IsCurrent, k.IsNew, null))]) is { } problem)
        {
            throw new StartRefusedException(
                $"The key-encryption keys are not as the root key vouches for, and nothing was changed: {problem}.");
        }
    }
}
