namespace OrleansKms.Gateway.Observability;

/// <summary>What a starting silo waits for; each step begins when the previous one is done.</summary>
internal enum StartStep
{
    /// <summary>The database: that it can be reached and its schema is right.</summary>
    Database,

    /// <summary>The HSM, which opens the key-encryption keys.</summary>
    Hsm,

    /// <summary>The silo's own start, and its admission to the cluster.</summary>
    Cluster,
}
