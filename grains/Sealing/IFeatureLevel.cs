namespace OrleansKms.Grains.Sealing;

/// <summary>The feature level that all silos of a cluster can read.</summary>
internal interface IFeatureLevel
{
    /// <summary>The cluster's level, as last read. It never falls.</summary>
    int Current { get; }
}
