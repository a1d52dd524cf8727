using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Presence;

/// <summary>What a silo reports of itself every few seconds.</summary>
/// <param name="ClusterId">The Orleans cluster.</param>
/// <param name="Silo">The silo's address, as membership names it.</param>
/// <param name="CurrentKek">The KEK that it seals under.</param>
/// <param name="Keks">All KEKs that it has opened.</param>
/// <param name="RootId">The root that opened them.</param>
internal sealed record Heartbeat(string ClusterId, string Silo, KekId CurrentKek, IReadOnlyCollection<KekId> Keks, string RootId);
