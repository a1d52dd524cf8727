using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// What happened to the key; since feature level 4.
public sealed partial class KeyGrain : IKeyHistoryGrain
{
    /// <inheritdoc/>
    public Task<KeyHistoryPage> Read(ReadKeyHistory request) => HistoryReading.Run(_key, request);
}
