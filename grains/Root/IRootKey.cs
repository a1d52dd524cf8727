using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// The root of trust: the one key that is not in the database. It wraps the KEKs, and vouches for which KEKs exist. Asynchronous,
/// because an HSM does the work in another process or machine.
/// </summary>
public interface IRootKey
{
    /// <summary>Identifies the root among those that may wrap a KEK; known once the root is open.</summary>
    string Id { get; }

    /// <summary>Opens the root.</summary>
    /// <param name="mayCreate">
    /// Whether a missing root may be generated now. True only while nothing exists that another root may have wrapped.
    /// </param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="StartRefusedException">There is no usable root.</exception>
    Task Open(bool mayCreate, CancellationToken cancellationToken);

    /// <summary>Wraps a KEK, with its birth or without.</summary>
    Task<byte[]> Wrap(KekId id, SecretBytes kek, CancellationToken cancellationToken);

    /// <summary>Opens a result of <see cref="Wrap"/>, which the caller disposes.</summary>
    /// <returns>Null when this root did not wrap it under this id.</returns>
    Task<SecretBytes?> Unwrap(KekId id, ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken);

    /// <summary>Makes the MAC of a manifest.</summary>
    Task<byte[]> Authenticate(ReadOnlyMemory<byte> manifest, CancellationToken cancellationToken);

    /// <summary>Whether this root made the MAC of this manifest.</summary>
    Task<bool> IsAuthentic(ReadOnlyMemory<byte> manifest, ReadOnlyMemory<byte> mac, CancellationToken cancellationToken);
}

/// <summary>Reads what a root vouches for.</summary>
internal static class RootKeyExtensions
{
    /// <summary>Reads a manifest.</summary>
    /// <returns>Null when the root does not vouch for it.</returns>
    public static async Task<RingManifest?> TryRead(this IRootKey root, StoredManifest stored, CancellationToken cancellationToken) =>
        await root.IsAuthentic(stored.Bytes, stored.Mac, cancellationToken) ? RingManifest.TryRead(stored.Bytes) : null;
}
