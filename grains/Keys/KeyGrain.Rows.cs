using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// What operators can ask about the stored rows; since feature level 2.
public sealed partial class KeyGrain : IKeyRowsGrain
{
    /// <inheritdoc/>
    public Task<KeyRowCheck[]> Check(KeyCommand request) => RowChecks.Run(_key, request);
}
