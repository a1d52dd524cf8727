using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Grains.Sealing;

/// <summary>A KEK ready for use.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Cipher">The opened key; the ring disposes it.</param>
public sealed record Kek(KekId Id, XAes256Gcm Cipher);

/// <summary>The opened KEKs.</summary>
public interface IKekRing
{
    /// <summary>The KEK that new data is sealed under.</summary>
    /// <exception cref="InvalidOperationException">The ring is not open yet.</exception>
    Kek Current { get; }

    /// <summary>
    /// Tells this installation from every other: 16 random bytes, made with the first manifest of its KEKs. Empty while there is none.
    /// </summary>
    ReadOnlyMemory<byte> Installation { get; }

    /// <summary>The KEK with an id, or null when this silo does not have it.</summary>
    Kek? Find(KekId id);

    /// <summary>Opens the KEKs that were added since, to find one that this silo does not have.</summary>
    /// <param name="id">The KEK that is missing.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The KEK, or null when the root opens none with this id.</returns>
    Task<Kek?> Reload(KekId id, CancellationToken cancellationToken);
}
