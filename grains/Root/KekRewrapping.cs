namespace OrleansKms.Grains.Root;

/// <summary>Makes two roots wrap the same KEKs, and checks a root's wraps. Writes nothing.</summary>
internal static class KekRewrapping
{
    /// <summary>
    /// The wraps that are missing, or do not open, so that each of two roots opens every KEK. Each new wrap was opened again by
    /// its root.
    /// </summary>
    /// <param name="keks">All KEKs.</param>
    /// <param name="own">One root.</param>
    /// <param name="other">The other.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="StartRefusedException">Neither root opens a KEK, or one does not open its own new wrap.</exception>
    public static async Task<List<NewWrap>> Complete(
        IEnumerable<WrappedKek> keks, IRootKey own, IRootKey other, CancellationToken cancellationToken)
    {
        List<NewWrap> wraps = [];
        foreach (var kek in keks)
        {
            using var byOwn = await own.TryOpen(kek.Id, kek.Wraps.GetValueOrDefault(own.Id), cancellationToken);
            using var byOther = await other.TryOpen(kek.Id, kek.Wraps.GetValueOrDefault(other.Id), cancellationToken);
            var opened = new[] { byOwn, byOther }.OfType<OpenedKek>().MaxBy(o => o.Birth?.Generation ?? 0) ?? throw new StartRefusedException(
                $"Neither the root key {own.Id} nor {other.Id} opens the key-encryption key {kek.Id}. Run the command with the "
                    + "settings of a root key that does.");

            // Also a wrap from before the KEK was listed in a manifest, or was listed again.
            if (byOwn is null || byOwn.Birth != opened.Birth)
            {
                wraps.Add(await Wrap(own, kek, opened, cancellationToken));
            }

            if (byOther is null || byOther.Birth != opened.Birth)
            {
                wraps.Add(await Wrap(other, kek, opened, cancellationToken));
            }
        }

        return wraps;
    }

    /// <summary>Requires that a root opens every KEK by itself.</summary>
    /// <exception cref="StartRefusedException">It does not.</exception>
    public static async Task RequireAll(IRootKey root, IReadOnlyCollection<WrappedKek> keks, CancellationToken cancellationToken)
    {
        foreach (var kek in keks)
        {
            if (!kek.Wraps.TryGetValue(root.Id, out var wrapped))
            {
                throw new StartRefusedException(
                    $"The root key {root.Id} does not wrap {RootRules.Lacking(root.Id, keks)} of the {keks.Count} key-encryption keys, the first of them {kek.Id}. Run okms root add.");
            }

            using var opened = await root.TryOpen(kek.Id, wrapped, cancellationToken)
                ?? throw new StartRefusedException(
                    $"The root key {root.Id} does not open its wrap of the key-encryption key {kek.Id}, which was changed in "
                        + "the database. Run okms root add, which wraps it again.");
        }
    }

    private static async Task<NewWrap> Wrap(IRootKey root, WrappedKek kek, OpenedKek opened, CancellationToken cancellationToken)
    {
        var wrapped = await root.Wrap(kek.Id, opened.Wrapped, cancellationToken);
        using var again = await root.TryOpen(kek.Id, wrapped, cancellationToken)
            ?? throw new StartRefusedException($"The root key {root.Id} does not open what it has just wrapped, so nothing was written.");
        return new(kek.Id, root.Id, wrapped);
    }
}
