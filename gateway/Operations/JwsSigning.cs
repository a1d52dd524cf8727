namespace OrleansKms.Gateway.Operations;

/// <summary>Signs tokens with a key that the caller is authorized for.</summary>
internal static class JwsSigning
{
    /// <summary>Signs with the primary version.</summary>
    public static ValueTask<Jws> Sign(Call call, string key, byte[] payload, string? type, string? algorithm) => payload.Length > call.Limits.Plaintext
        ? throw KmsError.PayloadTooLarge.Exception($"The payload must be at most {call.Limits.Plaintext} bytes.")
        : NewSilos.Ask(() => call.InTime(call.Services.Grains.GetGrain<IKeyJwsGrain>(key).Sign(new(call.Caller, payload, type, algorithm))));
}
