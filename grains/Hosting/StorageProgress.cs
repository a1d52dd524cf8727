namespace OrleansKms.Grains.Hosting;

/// <summary>What the opening of the storage waits for.</summary>
public enum StorageStep
{
    /// <summary>The database, another process that migrates its schema, or the migration itself.</summary>
    Database,

    /// <summary>The HSM, which opens the key-encryption keys.</summary>
    Hsm,

    /// <summary>Nothing more: it is open.</summary>
    Open,
}

/// <summary>How far the opening of the storage has come, for a health check; from any thread.</summary>
public sealed class StorageProgress
{
    private volatile StorageStep _step;

    /// <summary>What it waits for.</summary>
    public StorageStep Step
    {
        get => _step;
        internal set => _step = value;
    }
}
