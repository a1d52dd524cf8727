namespace OrleansKms.Grains.Sealing;

/// <summary>What all silos of the cluster can read.</summary>
internal interface IFeatureLevel
{
    /// <summary>The cluster's level, as it was last read. It never falls.</summary>
    int Current { get; }
}
