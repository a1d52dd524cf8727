using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Signs a token with the primary version; spends a use. Answers at once, without an await or a closure, when everything is ready.
/// </summary>
internal static class JwsSigning
{
    public static ValueTask<Jws> Run(KeyActivation key, SignJws request)
    {
        var call = KeyGate.Enter(KmsOperation.SignJws, request.Caller) with { Bytes = request.Payload?.Length };
        try
        {
            KeyRequestRules.Check(request, key.Services.Options.MaxPlaintextBytes);
            if (key.Policy.Permits(call) && AtOnce(key, request, call.StartedAt) is { } signed && key.Gate.MayLeave)
            {
                return key.Recorder.Leave(call, signed);
            }
        }
        catch (Exception e)
        {
            return key.Recorder.Refuse<Jws>(call, e);
        }

        return WhenReady(key, call, request);
    }

    /// <summary>Signs without waiting; null when something must be prepared first. The answer may be out of date.</summary>
    private static Jws? AtOnce(KeyActivation key, SignJws request, long startedAt)
    {
        if (key.Primary.Ready is not { Version: ISignsJws { SignsAtOnce: true } version })
        {
            return null;
        }

        // What does not fit the key spends nothing.
        var algorithm = JwsAlgorithm.Find(version.Algorithms, request.Algorithm);
        if (key.Gate.TrySpend(KmsOperation.SignJws) is not { } spent)
        {
            return null;
        }

        var signing = version.Sign(algorithm, request.Payload, request.Type);
        return signing.IsCompletedSuccessfully
            ? Made(key, spent, request, algorithm, signing.Result, startedAt)
            : throw new InvalidOperationException("internal error: a version that signs at once did not.");
    }

    /// <summary>Signs, preparing first if it must. Spending and starting are one step without an await.</summary>
    private static async Task<Jws> WhenReady(KeyActivation key, SignJws request, long startedAt)
    {
        while (true)
        {
            if (key.Primary.Ready is { Version: ISignsJws version })
            {
                var algorithm = JwsAlgorithm.Find(version.Algorithms, request.Algorithm);
                version.RequireRoom();
                if (key.Gate.TrySpend(KmsOperation.SignJws) is { } spent)
                {
                    var text = await ProviderAnswers.Awaited(
                        key, version.Sign(algorithm, request.Payload, request.Type), row => KeyUsability.RequireVersion(row, version.Version));
                    return Made(key, spent, request, algorithm, text, startedAt);
                }
            }

            await key.Primary.Prepare(KeyUsage.Jws, wanted: 1);
            await key.Limits.Prepare(KmsOperation.SignJws, wanted: 1);
        }
    }

    // Separate, so that callers that do not wait allocate no closure.
    private static ValueTask<Jws> WhenReady(KeyActivation key, Call call, SignJws request) => new(key.Gate.Run(
        call, () => WhenReady(key, request, call.StartedAt), isRepeatable: true));

    private static Jws Made(KeyActivation key, ReadyVersion spent, SignJws request, JwsAlgorithm algorithm, string text, long startedAt)
    {
        var version = spent.Version.Version;
        key.Gate.Made(KmsOperation.SignJws, spent, request.Payload.Length, startedAt);
        return new(version, algorithm.Name, text);
    }
}
