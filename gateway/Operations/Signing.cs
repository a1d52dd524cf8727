using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Operations;

/// <summary>Signs and verifies, with a key that the caller is authorized for.</summary>
internal static class Signing
{
    /// <summary>Signs with the primary version.</summary>
    public static ValueTask<Signature> Sign(Call call, string key, SignItem item)
    {
        Check(call.Limits, item).Refuse();
        return NewSilos.Ask(() => call.InTime(Grain(call, key).Sign(new(call.Caller, item) { Within = call.Remaining })));
    }

    /// <summary>Signs many; each fails or succeeds separately.</summary>
    public static ValueTask<ItemResult<Signature>[]> SignMany(Call call, string key, SignItem[] items) => Many.Run(
        call, KmsOperation.Sign, key, items, item => Check(call.Limits, item),
        good => NewSilos.Ask(() => call.InTime(Grain(call, key).SignBatch(new(call.Caller, good) { Within = call.Remaining }))));

    /// <summary>Verifies.</summary>
    public static ValueTask<Verified> Verify(Call call, string key, VerifyItem item)
    {
        Check(call.Limits, item).Refuse();
        return NewSilos.Ask(() => call.InTime(Grain(call, key).Verify(new(call.Caller, item) { Within = call.Remaining })));
    }

    /// <summary>Verifies many; each fails or succeeds separately.</summary>
    public static ValueTask<ItemResult<Verified>[]> VerifyMany(Call call, string key, VerifyItem[] items) => Many.Run(
        call, KmsOperation.Verify, key, items, item => Check(call.Limits, item),
        good => NewSilos.Ask(() => call.InTime(Grain(call, key).VerifyBatch(new(call.Caller, good) { Within = call.Remaining }))));

    private static KmsException? Check(SizeLimits limits, SignItem item) =>
        item.Data.Length > limits.Plaintext ? KmsError.PayloadTooLarge.Exception($"'message' must be at most {limits.Plaintext} bytes.") : null;

    private static KmsException? Check(SizeLimits limits, VerifyItem item) =>
        item.KeyVersion < 1 ? KmsError.InvalidParameter.Exception("'key_version' must be 1 or more.")
        : item.Signature.Length > KmsLimits.SignatureBytes ? KmsError.PayloadTooLarge.Exception($"'signature' must be at most {KmsLimits.SignatureBytes} bytes.")
        : Check(limits, item.Input);

    private static IKeySignaturesGrain Grain(Call call, string key) => call.Services.Signatures.Of(key);
}
