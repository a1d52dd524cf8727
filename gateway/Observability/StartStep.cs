namespace OrleansKms.Gateway.Observability;

/// <summary>What a silo that is starting waits for; each step begins when the one before it is done.</summary>
internal enum StartStep
{
    /// <summary>The database: that it can be reached, and that its schema is as it should be.</summary>
    Database,

    /// <summary>The HSM, which opens the key-encryption keys.</summary>
    Hsm,

    /// <summary>The silo's own start, and that its cluster takes it in.</summary>
    Cluster,
}
