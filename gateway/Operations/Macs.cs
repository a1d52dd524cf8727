using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Operations;

/// <summary>Makes and verifies MACs, with a key that the caller is authorized for.</summary>
internal static class Macs
{
    /// <summary>Makes a MAC with the primary version.</summary>
    public static ValueTask<GeneratedMac> Generate(Call call, string key, MacItem item)
    {
        Check(call.Limits, item).Refuse();
        return NewSilos.Ask(() => call.InTime(Grain(call, key).Generate(new(call.Caller, item))));
    }

    /// <summary>Makes many; each fails or succeeds separately.</summary>
    public static ValueTask<ItemResult<GeneratedMac>[]> GenerateMany(Call call, string key, MacItem[] items) => Many.Run(
        call, KmsOperation.GenerateMac, key, items, item => Check(call.Limits, item),
        good => NewSilos.Ask(() => call.InTime(Grain(call, key).GenerateBatch(new(call.Caller, good)))));

    /// <summary>Verifies.</summary>
    public static ValueTask<Verified> Verify(Call call, string key, VerifyMacItem item)
    {
        Check(call.Limits, item).Refuse();
        return NewSilos.Ask(() => call.InTime(Grain(call, key).Verify(new(call.Caller, item) { Within = call.Remaining })));
    }

    /// <summary>Verifies many; each fails or succeeds separately.</summary>
    public static ValueTask<ItemResult<Verified>[]> VerifyMany(Call call, string key, VerifyMacItem[] items) => Many.Run(
        call, KmsOperation.VerifyMac, key, items, item => Check(call.Limits, item),
        good => NewSilos.Ask(() => call.InTime(Grain(call, key).VerifyBatch(new(call.Caller, good) { Within = call.Remaining }))));

    private static KmsException? Check(SizeLimits limits, MacItem item) => CheckMessage(limits, item.Message);

    // How long a MAC is depends on the key; the longest has 64 bytes.
    private static KmsException? Check(SizeLimits limits, VerifyMacItem item) =>
        item.KeyVersion < 1 ? KmsError.InvalidParameter.Exception("'key_version' must be 1 or more.")
        : item.Mac.Length > KmsLimits.MacBytes ? KmsError.InvalidParameter.Exception($"'mac' must be at most {KmsLimits.MacBytes} bytes.")
        : CheckMessage(limits, item.Message);

    private static KmsException? CheckMessage(SizeLimits limits, byte[] message) =>
        message.Length > limits.Plaintext ? KmsError.PayloadTooLarge.Exception($"'message' must be at most {limits.Plaintext} bytes.") : null;

    private static IKeyMacsGrain Grain(Call call, string key) => call.Services.Macs.Of(key);
}
