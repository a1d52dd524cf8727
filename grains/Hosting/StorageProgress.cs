namespace OrleansKms.Grains.Hosting;

/// <summary>What opening the storage waits for.</summary>
public enum StorageStep
{
    /// <summary>The database, another process that migrates its schema, or the migration itself.</summary>
    Database,

    /// <summary>The HSM, which opens the key-encryption keys.</summary>
    Hsm,

    /// <summary>Nothing: the storage is open.</summary>
    Open,
}

/// <summary>How far opening the storage has got, for a health check. Thread-safe.</summary>
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
