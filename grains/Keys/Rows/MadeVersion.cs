using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>What was made for a version, as its rows keep it.</summary>
/// <param name="Material">The material, wrapped; null for a public key alone.</param>
/// <param name="PublicKey">Its public key; null for a spec that has none.</param>
/// <param name="Fingerprint">What recognizes it after its destruction; null for what was not imported, or has no limit of uses.</param>
internal sealed record MadeVersion(WrappedMaterial? Material, byte[]? PublicKey, byte[]? Fingerprint = null);
