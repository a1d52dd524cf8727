using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Signed tokens and their public keys; since feature level 6.
public sealed partial class KeyGrain : IKeyJwsGrain, IPublishedKeysGrain
{
    /// <inheritdoc/>
    public ValueTask<Jws> Sign(SignJws request) => JwsSigning.Run(_key, request);

    /// <inheritdoc/>
    public Task<PublishedKeys> Read(ReadPublishedKeys request) => KeyPublication.Run(_key, request);
}
