namespace OrleansKms.Grains.Storage;

/// <summary>A row as it is stored.</summary>
/// <param name="Payload">The sealed row.</param>
/// <param name="Version">Its version.</param>
internal sealed record RowContent(byte[] Payload, int Version);

/// <summary>A read of one row of a key, or of two, which are then as they were at one moment.</summary>
/// <param name="key">The key of their grain, as stored.</param>
/// <param name="name">The row's name.</param>
/// <param name="second">The name of a second row of the same grain; null for none.</param>
internal sealed class RowRead(string key, string name, string? second = null) : RowCall
{
    private readonly TaskCompletionSource _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The key of their grain, as stored.</summary>
    public string Key => key;

    /// <summary>The names of the rows: one or two.</summary>
    public string[] Names { get; } = second is null ? [name] : [name, second];

    /// <summary>The rows, in the order of their names; null for one that is not there.</summary>
    public RowContent?[] Found { get; } = new RowContent?[second is null ? 1 : 2];

    /// <summary>Completes when they are read.</summary>
    public Task Answer => _answer.Task;

    /// <summary>All that is there has been found.</summary>
    public void Done() => _answer.TrySetResult();

    /// <inheritdoc/>
    public override void Failed(Exception failure) => _answer.TrySetException(failure);
}
