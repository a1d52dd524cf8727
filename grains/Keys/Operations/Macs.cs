using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Makes MACs with the primary version; spends a use. Answers at once, without an await or a closure, when everything is ready.
/// </summary>
internal static class Macs
{
    public static ValueTask<GeneratedMac> Run(KeyActivation key, GenerateMac request)
    {
        var call = KeyGate.Enter(KmsOperation.GenerateMac, request.Caller) with { Bytes = request.Item?.Message?.Length };
        try
        {
            KeyRequestRules.CheckMessage(request.Item?.Message, key.Services.Options.MaxPlaintextBytes);
            if (key.Policy.Permits(call) && AtOnce(key, request.Item!, call.StartedAt) is { } made && key.Gate.MayLeave)
            {
                return key.Recorder.Leave(call, made);
            }
        }
        catch (Exception e)
        {
            return key.Recorder.Refuse<GeneratedMac>(call, e);
        }

        return WhenReady(key, call, request.Item!);
    }

    public static ValueTask<ItemResult<GeneratedMac>[]> RunBatch(KeyActivation key, GenerateMacBatch request)
    {
        var limit = key.Services.Options.MaxPlaintextBytes;
        return new Batch<MacItem, GeneratedMac>(
            key, KmsOperation.GenerateMac, KeyUsage.Mac, request.Items, item => item.Message?.Length ?? 0, (call, _) => call,
            (row, made) => KeyUsability.RequireVersion(row, made.KeyVersion), Deadline.None,
            item =>
            {
                KeyRequestRules.CheckMessage(item.Message, limit);
                return AtOnce(key, item, KeyInstruments.StartOf(KmsOperation.GenerateMac));
            },
            async (item, left) =>
            {
                KeyRequestRules.CheckMessage(item.Message, limit);
                return await WhenReady(key, item, left, KeyInstruments.StartOf(KmsOperation.GenerateMac));
            }).Run(request.Caller);
    }

    /// <summary>Makes a MAC without waiting; null when something must be prepared first. The answer may be out of date.</summary>
    private static GeneratedMac? AtOnce(KeyActivation key, MacItem item, long startedAt)
    {
        if (key.Primary.Ready is not { Version: IMacs { MacsAtOnce: true } version }
            || key.Gate.TrySpend(KmsOperation.GenerateMac) is not { } spent)
        {
            return null;
        }

        var mac = version.Mac(item.Message);
        return mac.IsCompletedSuccessfully
            ? Made(key, spent, item, mac.Result, startedAt)
            : throw new InvalidOperationException("internal error: a version that answers at once has not.");
    }

    /// <summary>Makes a MAC, preparing first if it must. Spending and starting are one step without an await.</summary>
    private static async Task<GeneratedMac> WhenReady(KeyActivation key, MacItem item, long wanted, long startedAt)
    {
        while (true)
        {
            if (key.Primary.Ready is { Version: IMacs version } && key.Gate.TrySpend(KmsOperation.GenerateMac) is { } spent)
            {
                var mac = await ProviderAnswers.Awaited(
                    key, version.Mac(item.Message), row => KeyUsability.RequireVersion(row, version.Version));
                return Made(key, spent, item, mac, startedAt);
            }

            await key.Primary.Prepare(KeyUsage.Mac, wanted);
            await key.Limits.Prepare(KmsOperation.GenerateMac, wanted);
        }
    }

    // Separate, so that callers that do not wait allocate no closure.
    private static ValueTask<GeneratedMac> WhenReady(KeyActivation key, Call call, MacItem item) => new(key.Gate.Run(
        call, () => WhenReady(key, item, wanted: 1, call.StartedAt), isRepeatable: true));

    private static GeneratedMac Made(KeyActivation key, ReadyVersion spent, MacItem item, byte[] mac, long startedAt)
    {
        var version = spent.Version.Version;
        key.Gate.Made(KmsOperation.GenerateMac, spent, item.Message.Length, startedAt);
        return new(version, mac);
    }
}
