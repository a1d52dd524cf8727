namespace OrleansKms.Grains.Root;

/// <summary>A root as an operator sees it.</summary>
/// <param name="Id">Its id: <c>file:</c> or <c>hsm:</c>, and hexadecimal digits.</param>
/// <param name="Wraps">How many KEKs it wraps.</param>
/// <param name="Silos">How many running silos have opened the KEKs by it.</param>
/// <param name="Opens">
/// Whether this process's settings lead to it: <c>silo</c> when a silo would use it, <c>yes</c>, or <c>no</c>.
/// </param>
/// <param name="State"><c>complete</c>, <c>lacks keks</c>, <c>made</c>, <c>removed</c> or <c>destroyed</c>.</param>
/// <param name="Description">Where it is, as recorded; empty when it was not.</param>
public sealed record RootDescription(string Id, int Wraps, int Silos, string Opens, string State, string Description);

/// <summary>All roots, with remarks.</summary>
/// <param name="Keks">How many KEKs there are.</param>
/// <param name="Roots">The roots, in order of appearance.</param>
/// <param name="Remarks">What an operator should know, in lines.</param>
public sealed record RootReport(int Keks, IReadOnlyList<RootDescription> Roots, IReadOnlyList<string> Remarks)
{
    /// <summary>Asks each place for each root. A root that cannot be opened is a remark, not a failure.</summary>
    internal static async Task<RootReport> Of(RootSession session, CancellationToken cancellationToken)
    {
        List<string> remarks = [];
        var own = await Try(async () => (await session.Own.Open(cancellationToken)).Id, remarks);
        List<RootDescription> roots = [];
        foreach (var root in session.Roots)
        {
            var wraps = session.Keks.Count - RootRules.Lacking(root.Id, session.Keks);
            var opens = root.Id == own ? "silo"
                : root.DestroyedAt is null && await IsFound(session, root.Id, own is not null, cancellationToken) ? "yes" : "no";
            roots.Add(new(
                root.Id, wraps, session.Silos.Count(s => s.RootId == root.Id), opens, StateOf(root, wraps, session.Keks.Count),
                root.Description ?? ""));
            if (wraps > 0 && wraps < session.Keks.Count)
            {
                remarks.Add($"The root key {root.Id} lacks {session.Keks.Count - wraps} of the {session.Keks.Count} key-encryption keys: run okms root add with it.");
            }
            else if (wraps > 0 && IsBehind(session, root.Id))
            {
                remarks.Add($"The root key {root.Id} vouches for the key-encryption keys as they were before their last change, or for none: run okms root add with it.");
            }
        }

        if (session.Silos.Count(s => s.RootId is null) is var unknown and > 0)
        {
            remarks.Add($"{unknown} silos run an older program, which does not say on which root key.");
        }

        return new(session.Keks.Count, roots, remarks);
    }

    // No root key here has verified it: a remark, not a proof.
    private static bool IsBehind(RootSession session, string rootId)
    {
        var newest = session.Manifests.Values.MaxBy(m => RingManifest.TryRead(m.Bytes) is { } read ? (read.Epoch, read.Generation) : (-1, -1));
        return newest is not null
            && (!session.Manifests.TryGetValue(rootId, out var own) || !own.Bytes.AsSpan().SequenceEqual(newest.Bytes));
    }

    private static string StateOf(RootRecord root, int wraps, int keks) => root switch
    {
        _ when wraps == keks => "complete",
        _ when wraps > 0 => "lacks keks",
        { DestroyedAt: not null } => "destroyed",
        { RemovedAt: not null } => "removed",
        _ => "made",
    };

    private static async Task<bool> IsFound(RootSession session, string rootId, bool isOwnUsable, CancellationToken cancellationToken) =>
        (isOwnUsable && await Found(session.Own, rootId, cancellationToken))
        || (session.Other is { } other && await Found(other, rootId, cancellationToken));

    private static async Task<bool> Found(RootPlace place, string rootId, CancellationToken cancellationToken)
    {
        try
        {
            return await place.Find(rootId, cancellationToken) is not null;
        }
        catch (Exception e) when (e is StartRefusedException or KmsException)
        {
            return false;
        }
    }

    private static async Task<string?> Try(Func<Task<string>> open, List<string> remarks)
    {
        try
        {
            return await open();
        }
        catch (Exception e) when (e is StartRefusedException or KmsException)
        {
            remarks.Add(e.Message);
            return null;
        }
    }
}
