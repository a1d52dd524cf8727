using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Reports whether the key can be used now. If it cannot, that is an answer and not a refusal.</summary>
internal static class Validation
{
    public static async Task<KeyValidation> Run(KeyActivation key, KeyCommand request)
    {
        var call = KeyGate.Enter(KmsOperation.ValidateKey, request.Caller);
        KeyState? state = null;
        var outcome = await key.Gate.TryRunInTurn(
            async () =>
            {
                while (true)
                {
                    var row = await key.Current();
                    state = row.State;
                    KeyLifecycle.RequireUsable(row.State);
                    KeyUsability.RequirePrimary(row);
                    if (!UsagePolicy.Of(row).KeepsVersionAfterRestore)
                    {
                        KeyRestoration.RequireMadeSince(row);
                        KeyUsability.RequireImportSinceRestore(row, key.Services.Epoch);
                    }

                    await key.Usage.Load(row.Incarnation);
                    if (await key.Open(row.PrimaryVersion) is { Outcome: OpeningOutcome.Opened, Version: { } version })
                    {
                        return version.IsAvailable ? new KeyValidation(true, state, null) : throw KmsError.HsmUnavailable.Exception();
                    }
                }
            },
            isRepeatable: true,
            call);
        return await key.Recorder.Leave(call, outcome.Refusal is { } refusal ? new(false, state, refusal.Code) : outcome.AnswerOrThrow());
    }
}
