using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Signs with the primary version; spends a use. Answers at once, without an await or a closure, when everything is ready.
/// </summary>
internal static class Signing
{
    public static ValueTask<Signature> Run(KeyActivation key, Sign request)
    {
        var call = KeyGate.Enter(KmsOperation.Sign, request.Caller) with { Bytes = request.Item?.Data?.Length };
        try
        {
            KeyRequestRules.CheckSigned(request.Item, key.Services.Options.MaxPlaintextBytes);
            if (key.Policy.Permits(call) && AtOnce(key, request.Item, call.StartedAt) is { } signed && key.Gate.MayLeave)
            {
                return key.Recorder.Leave(call, signed);
            }
        }
        catch (Exception e)
        {
            return key.Recorder.Refuse<Signature>(call, e);
        }

        return WhenReady(key, call, request);
    }

    public static ValueTask<ItemResult<Signature>[]> RunBatch(KeyActivation key, SignBatch request)
    {
        var limit = key.Services.Options.MaxPlaintextBytes;
        var deadline = Deadline.Of(request.Within);
        return new Batch<SignItem, Signature>(
            key, KmsOperation.Sign, KeyUsage.SignVerify, request.Items, KeyRequestRules.SizeInBatch, (call, _) => call,
            (row, signed) => KeyUsability.RequireVersion(row, signed.KeyVersion), deadline,
            item =>
            {
                KeyRequestRules.CheckSigned(item, limit);
                return AtOnce(key, item, KeyInstruments.StartOf(KmsOperation.Sign));
            },
            async (item, left) =>
            {
                KeyRequestRules.CheckSigned(item, limit);
                return await WhenReady(key, item, left, KeyInstruments.StartOf(KmsOperation.Sign), deadline);
            }).Run(request.Caller);
    }

    /// <summary>Signs without waiting; null when something must be prepared first. The answer may be out of date.</summary>
    private static Signature? AtOnce(KeyActivation key, SignItem item, long startedAt)
    {
        if (key.Primary.Ready is not { Version: ISigns { SignsAtOnce: true } version })
        {
            return null;
        }

        // What does not fit the key spends nothing.
        var input = SignatureInput.Of(version.Schemes, item);
        if (key.Gate.TrySpend(KmsOperation.Sign) is not { } spent)
        {
            return null;
        }

        var signing = version.Sign(input);
        return signing.IsCompletedSuccessfully
            ? Made(key, spent, input, signing.Result, startedAt)
            : throw new InvalidOperationException("internal error: a version that signs at once did not.");
    }

    /// <summary>Signs, preparing first if it must. Spending and starting are one step without an await.</summary>
    private static async Task<Signature> WhenReady(KeyActivation key, SignItem item, long wanted, long startedAt, Deadline deadline)
    {
        while (true)
        {
            if (key.Primary.Ready is { Version: ISigns version })
            {
                var input = SignatureInput.Of(version.Schemes, item);
                version.RequireRoom();
                if (key.Gate.TrySpend(KmsOperation.Sign) is { } spent)
                {
                    var signature = await ProviderAnswers.Awaited(
                        key, InTime(version, input, deadline), row => KeyUsability.RequireVersion(row, version.Version));
                    return Made(key, spent, input, signature, startedAt);
                }
            }

            await key.Primary.Prepare(KeyUsage.SignVerify, wanted);
            await key.Limits.Prepare(KmsOperation.Sign, wanted);
        }
    }

    // Separate, so that callers that do not wait allocate no closure.
    private static ValueTask<Signature> WhenReady(KeyActivation key, Call call, Sign request)
    {
        var deadline = Deadline.Of(request.Within);
        return new(key.Gate.Run(call, () => WhenReady(key, request.Item, wanted: 1, call.StartedAt, deadline), isRepeatable: true));
    }

    private static async ValueTask<byte[]> InTime(ISigns version, SignatureInput input, Deadline deadline)
    {
        using var time = deadline.Timer();
        try
        {
            return await version.Sign(input, time.Token);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            throw KmsError.Timeout.Exception("The signature could not be made in time. Try again.");
        }
    }

    private static Signature Made(KeyActivation key, ReadyVersion spent, in SignatureInput input, byte[] signature, long startedAt)
    {
        var version = spent.Version.Version;
        key.Gate.Made(KmsOperation.Sign, spent, input.Data.Length, startedAt);
        return new(version, input.Scheme.Name, signature);
    }
}
