using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Presence;

/// <summary>The KEKs that this silo has opened, as its heartbeat reports them.</summary>
internal interface IAnnouncedKeks
{
    /// <summary>The KEK that it seals under.</summary>
    KekId CurrentId { get; }

    /// <summary>All of them, in order.</summary>
    IReadOnlyList<KekId> Ids { get; }

    /// <summary>The root that opened them.</summary>
    string RootId { get; }

    /// <summary>Takes over the cluster's decisions about KEKs.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    Task Refresh(CancellationToken cancellationToken);
}
