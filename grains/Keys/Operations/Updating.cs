using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Changes description, tags, rotation plan, limits or the minimum version that decrypts.</summary>
internal static class Updating
{
    public static Task<KeyDescription> Run(KeyActivation key, UpdateKey request) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.UpdateKey, request.Caller),
        async () =>
        {
            KeyRequestRules.Check(request);
            if (request.Limits.Value is { Count: > 0 })
            {
                key.Services.RequireLevel4("Limits");
            }

            var (row, next) = await RowChange.Prepare(key, row => KeyChanges.Update(row, request, key.Now));
            return await RowChange.Commit(key, row, next, request.Caller, KmsOperation.UpdateKey.Verb, request.MinDecryptVersion);
        });
}
