using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// The history of one key: every change of it, each with the hash of the one before. It is the same grain as <see cref="IKeyGrain"/>,
/// called by the same key; since feature level 4, below which no key has one.
/// </summary>
/// <remarks>An interface of its own, as <see cref="IKeyVersionsGrain"/> is, since older silos lack it.</remarks>
[Alias("okms.IKeyHistoryGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyHistoryGrain : IGrainWithStringKey
{
    /// <summary>
    /// Reads a page of the history, newest event first. Errors: key_not_found; key_corrupted when the row <c>key</c> itself does not
    /// open; invalid_parameter.
    /// </summary>
    [Alias("Read"), Operation("keys:history"), AlwaysInterleave] Task<KeyHistoryPage> Read(ReadKeyHistory request);
}
