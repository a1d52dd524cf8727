namespace OrleansKms.Grains.Sealing;

/// <summary>Whether the cluster knows that this silo runs, and this silo what the cluster has decided.</summary>
internal interface IClusterContact
{
    /// <summary>
    /// Whether what this silo knows of the level and the KEKs is recent. Always so for a process that never entered, since it
    /// holds the schema's lock, and for the only silo of its database.
    /// </summary>
    bool IsFresh { get; }
}
