namespace OrleansKms.Grains.Storage;

/// <summary>A write of one row of a key, or of two that are inserted together.</summary>
/// <param name="name">The row's name.</param>
/// <param name="key">The key of its grain, as stored.</param>
/// <param name="payload">The sealed row.</param>
/// <param name="version">The version that the stored row must have; null if there must be none.</param>
/// <param name="second">A row of the same grain that is inserted with it, both or neither; null for none.</param>
internal sealed class RowWrite(string name, string key, byte[] payload, int? version, (string Name, byte[] Payload)? second = null) : RowCall
{
    private readonly TaskCompletionSource<int?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The row's name.</summary>
    public string Name => name;

    /// <summary>The key of its grain, as stored.</summary>
    public string Key => key;

    /// <summary>The sealed row.</summary>
    public byte[] Payload => payload;

    /// <summary>The version that the stored row must have; null if there must be none.</summary>
    public int? Version => version;

    /// <summary>A row of the same grain that is inserted with it.</summary>
    public (string Name, byte[] Payload)? Second => second;

    /// <summary>
    /// The stored row's new version; null if it did not have the version that it must have. Nobody is told of it before the
    /// transaction is committed.
    /// </summary>
    public int? NewVersion { get; set; }

    /// <summary>Completes with the new version, or null for a lost race.</summary>
    public Task<int?> Answer => _answer.Task;

    /// <summary>The transaction was committed.</summary>
    public void Committed() => _answer.TrySetResult(NewVersion);

    /// <inheritdoc/>
    public override void Failed(Exception failure) => _answer.TrySetException(failure);
}
