namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Wrapped material names a KEK that is gone: the row that it was read from has been sealed anew since, and the old KEK was
/// destroyed. Whoever holds it reads the row again; if that names the same KEK, the row is corrupted.
/// </summary>
public sealed class MaterialOutdatedException(KekId kek) : Exception($"The KEK {kek} is gone since the material was read.");
