using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// The history of one key: all its changes, each with the hash of the one before. The same grain as <see cref="IKeyGrain"/>, with the same
/// grain key. Since feature level 4; below it, no key has a history.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyVersionsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyHistoryGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyHistoryGrain : IGrainWithStringKey
{
    /// <summary>
    /// Reads a page of the history, newest event first. Errors: key_not_found; key_corrupted when the row <c>key</c> itself does not
    /// open; invalid_parameter.
    /// </summary>
    [Alias("Read"), Operation("keys:history"), AlwaysInterleave] Task<KeyHistoryPage> Read(ReadKeyHistory request);
}
