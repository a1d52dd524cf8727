using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Data key pairs; since feature level 5.
public sealed partial class KeyGrain : IKeyPairsGrain
{
    ValueTask<DataKeyPair> IKeyPairsGrain.Generate(GenerateDataKeyPair request) => DataKeyPairs.Run(_key, request);
}
