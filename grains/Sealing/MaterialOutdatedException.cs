namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Wrapped material names a KEK that is gone: since the row was read it was resealed, and the old KEK destroyed. The holder reads
/// the row again; if that names the same KEK, the row is corrupted.
/// </summary>
public sealed class MaterialOutdatedException(KekId kek) : Exception($"The KEK {kek} was destroyed after the material was read.");
