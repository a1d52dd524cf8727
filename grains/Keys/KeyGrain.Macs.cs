using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Message authentication codes; since feature level 5.
public sealed partial class KeyGrain : IKeyMacsGrain
{
    ValueTask<GeneratedMac> IKeyMacsGrain.Generate(GenerateMac request) => Macs.Run(_key, request);

    ValueTask<Verified> IKeyMacsGrain.Verify(VerifyMac request) => MacVerification.Run(_key, request);

    ValueTask<ItemResult<GeneratedMac>[]> IKeyMacsGrain.GenerateBatch(GenerateMacBatch request) => Macs.RunBatch(_key, request);

    ValueTask<ItemResult<Verified>[]> IKeyMacsGrain.VerifyBatch(VerifyMacBatch request) => MacVerification.RunBatch(_key, request);
}
