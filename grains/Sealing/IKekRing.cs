using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Grains.Sealing;

/// <summary>A KEK ready for use.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Cipher">The opened key; the ring disposes it.</param>
public sealed record Kek(KekId Id, XAes256Gcm Cipher);

/// <summary>The opened KEKs.</summary>
public interface IKekRing
{
    /// <summary>The KEK that everything new is sealed under.</summary>
    /// <exception cref="InvalidOperationException">The ring is not open yet.</exception>
    Kek Current { get; }

    /// <summary>The KEK of an id, or null when this silo does not know it.</summary>
    Kek? Find(KekId id);

    /// <summary>Opens the KEKs that have been added since, for one whose id this silo does not know.</summary>
    /// <param name="id">The KEK that is missing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The KEK, or null when there is none that the root opens.</returns>
    Task<Kek?> Reload(KekId id, CancellationToken cancellationToken);
}
