using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Signatures; since feature level 5.
public sealed partial class KeyGrain : IKeySignaturesGrain
{
    /// <inheritdoc/>
    public ValueTask<Signature> Sign(Sign request) => Signing.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<Verified> Verify(Verify request) => Verification.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Signature>[]> SignBatch(SignBatch request) => Signing.RunBatch(_key, request);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Verified>[]> VerifyBatch(VerifyBatch request) => Verification.RunBatch(_key, request);
}
