using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Public keys; since feature level 5.
public sealed partial class KeyGrain : IPublicKeyGrain
{
    /// <inheritdoc/>
    public Task<PublicKeyDescription> Read(ReadPublicKey request) => PublicKeys.Run(_key, request);
}
