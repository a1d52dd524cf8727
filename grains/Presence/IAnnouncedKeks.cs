using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Presence;

/// <summary>The KEKs that this silo has opened, of which its heartbeat tells the others.</summary>
internal interface IAnnouncedKeks
{
    /// <summary>The KEK that it seals under.</summary>
    KekId CurrentId { get; }

    /// <summary>All of them, in order.</summary>
    IReadOnlyList<KekId> Ids { get; }

    /// <summary>The root by which it opened them.</summary>
    string RootId { get; }

    /// <summary>Takes over what was decided about KEKs.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    Task Refresh(CancellationToken cancellationToken);
}
