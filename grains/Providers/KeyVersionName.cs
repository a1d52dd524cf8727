using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Providers;

/// <summary>Identifies one version of one life of a key, for ever.</summary>
/// <param name="KeyId">The key's id.</param>
/// <param name="Incarnation">The key's incarnation.</param>
/// <param name="Version">The key version; 1 or more.</param>
public readonly record struct KeyVersionName(string KeyId, Incarnation Incarnation, int Version);
