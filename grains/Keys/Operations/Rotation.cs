using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Makes a new primary version on request.</summary>
internal static class Rotation
{
    public static Task<KeyDescription> Run(KeyActivation key, KeyCommand request) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.RotateKey, request.Caller),
        async () =>
        {
            var row = await VersionMaking.Rotate(key, await key.Current(), new(request.Caller, KmsOperation.RotateKey.Verb));
            await key.Usage.Load(row.Incarnation);
            return RowChange.Described(key, row);
        });
}
