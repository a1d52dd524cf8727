using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Sealing;

/// <summary>Identifies one version's material, for ever: it is bound into the wrapping as associated data.</summary>
/// <param name="Grain">The key's grain id.</param>
/// <param name="Incarnation">The key's incarnation.</param>
/// <param name="Version">The key version.</param>
public readonly record struct MaterialAddress(GrainId Grain, Incarnation Incarnation, int Version);

/// <summary>
/// One version's material, sealed under a KEK. Opaque to the grain that carries it. Its associated data names the row
/// <c>key.v{n}</c> even while it travels in the row <c>key</c>, so that it can move between the two unchanged.
/// </summary>
/// <param name="Version">The key version.</param>
/// <param name="KekId">The KEK that sealed it.</param>
/// <param name="Sealed">nonce || ciphertext || tag.</param>
public sealed record WrappedMaterial(int Version, KekId KekId, ReadOnlyMemory<byte> Sealed);

/// <summary>Wraps and opens key material.</summary>
public interface IMaterialSealer
{
    /// <summary>Wraps material under the current KEK.</summary>
    WrappedMaterial Wrap(MaterialAddress address, ReadOnlySpan<byte> material);

    /// <summary>Opens wrapped material into pinned memory, which the caller disposes.</summary>
    /// <exception cref="KmsException">key_corrupted: it does not open at this address.</exception>
    /// <exception cref="MaterialOutdatedException">Its KEK is gone; the row must be read again.</exception>
    SecretBytes Open(MaterialAddress address, WrappedMaterial wrapped);
}
