namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Whether this silo and the cluster are in contact: the cluster knows that the silo runs, and the silo knows the cluster's
/// decisions.
/// </summary>
internal interface IClusterContact
{
    /// <summary>
    /// Whether this silo's knowledge of the level and the KEKs is recent. Always true for a process that never joined, since it
    /// holds the schema's lock, and for the only silo of its database.
    /// </summary>
    bool IsFresh { get; }
}
