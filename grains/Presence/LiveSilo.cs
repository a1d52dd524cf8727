using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Presence;

/// <summary>A silo that may still run.</summary>
/// <param name="Silo">Its address.</param>
/// <param name="NewestFeatureLevel">The newest level that its program supports.</param>
/// <param name="CurrentKek">The KEK that it seals under.</param>
/// <param name="RootId">The root that opened its KEKs; null where its program does not report it.</param>
internal sealed record LiveSilo(string Silo, int NewestFeatureLevel, KekId CurrentKek, string? RootId);
