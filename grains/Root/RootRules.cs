using OrleansKms.Grains.Presence;

namespace OrleansKms.Grains.Root;

/// <summary>
/// What may be done to a root in which state. Pure functions of what was read; each returns, for the operator, why not.
/// </summary>
internal static class RootRules
{
    /// <summary>How many KEKs a root does not wrap.</summary>
    public static int Lacking(string rootId, IReadOnlyCollection<WrappedKek> keks) => keks.Count(k => !k.Wraps.ContainsKey(rootId));

    /// <summary>Why a root may not lose its wraps.</summary>
    /// <param name="rootId">The root.</param>
    /// <param name="stays">The root that this process's settings name, which must open every KEK afterwards.</param>
    /// <param name="keks">All KEKs.</param>
    /// <param name="silos">The silos that may run.</param>
    /// <returns>Null when it may.</returns>
    public static string? WhyNotRemove(
        string rootId, string stays, IReadOnlyCollection<WrappedKek> keks, IReadOnlyCollection<LiveSilo> silos)
    {
        if (keks.All(k => !k.Wraps.ContainsKey(rootId)))
        {
            return $"The root key {rootId} wraps nothing in this database. okms root list names those that do.";
        }

        if (keks.All(k => k.Wraps.Keys.All(w => w == rootId)))
        {
            return $"The root key {rootId} is the only one of this database. Add another one first: okms root add.";
        }

        if (rootId == stays)
        {
            return $"The root key {rootId} is the one that the settings of this process name. Run the command with the settings of the one that stays.";
        }

        return Lacking(stays, keks) is var lacking and > 0
            ? $"The root key {stays}, which would stay, does not wrap {lacking} of the {keks.Count} key-encryption keys. Run okms root add first."
            : WhyInUse(rootId, silos, "removed");
    }

    /// <summary>Why a root may not be destroyed.</summary>
    /// <param name="rootId">The root.</param>
    /// <param name="root">Its record; null for none.</param>
    /// <param name="keks">All KEKs.</param>
    /// <param name="silos">The silos that may run.</param>
    /// <returns>Null when it may.</returns>
    public static string? WhyNotDestroy(
        string rootId, RootRecord? root, IReadOnlyCollection<WrappedKek> keks, IReadOnlyCollection<LiveSilo> silos)
    {
        if (root is null)
        {
            return $"The root key {rootId} is not one of this database. okms root list names those that are; the id must be given whole.";
        }

        if (root.DestroyedAt is { } at)
        {
            return $"The root key {rootId} was destroyed at {at:u}.";
        }

        var wrapped = keks.Count - Lacking(rootId, keks);
        return wrapped > 0
            ? $"The root key {rootId} still wraps {wrapped} key-encryption keys. Run first: root remove {rootId}"
            : WhyInUse(rootId, silos, "destroyed");
    }

    /// <summary>Why a new root may not be made now: an unfinished change would leave silos on a third one.</summary>
    /// <param name="current">The root that a silo uses now.</param>
    /// <param name="silos">The silos that may run.</param>
    /// <returns>Null when there may.</returns>
    public static string? WhyNotRotate(string current, IReadOnlyCollection<LiveSilo> silos) =>
        silos.FirstOrDefault(s => s.RootId is { } root && root != current) is { } silo
            ? $"The silo {silo.Silo} still runs on the root key {silo.RootId}, and silos take {current} at their next start. Restart it first."
            : null;

    /// <summary>Why the KEKs may not be vouched for again now; null when they may.</summary>
    public static string? WhyNotAccept(IReadOnlyCollection<LiveSilo> silos) => silos.FirstOrDefault() is { } silo
        ? $"The silo {silo.Silo} is running, and remembers what was vouched for. Stop all silos first; one that was killed "
            + "counts for two minutes."
        : null;

    private static string? WhyInUse(string rootId, IReadOnlyCollection<LiveSilo> silos, string what)
    {
        if (silos.FirstOrDefault(s => s.RootId == rootId) is { } silo)
        {
            return $"The silo {silo.Silo} runs on the root key {rootId}. Restart it with another one; one that was killed counts for two minutes.";
        }

        return silos.FirstOrDefault(s => s.RootId is null) is { } old
            ? $"The silo {old.Silo} runs an older program, which does not report its root key. Upgrade it before {rootId} is "
                + $"{what}; one that was killed counts for two minutes."
            : null;
    }
}
