namespace OrleansKms.Gateway.Operations;

/// <summary>Encapsulates secrets, and finds them, with a key that the caller is authorized for.</summary>
internal static class Encapsulation
{
    /// <summary>Makes a secret and encapsulates it.</summary>
    public static ValueTask<Encapsulated> Encapsulate(Call call, string key) =>
        NewSilos.Ask(() => call.InTime(Grain(call, key).Encapsulate(new(call.Caller))));

    /// <summary>Finds an encapsulated secret.</summary>
    public static ValueTask<Decapsulated> Decapsulate(Call call, string key, byte[] ciphertext, int? keyVersion) =>
        NewSilos.Ask(() => call.InTime(Grain(call, key).Decapsulate(new(call.Caller, ciphertext, keyVersion))));

    private static IKeyEncapsulationGrain Grain(Call call, string key) => call.Services.Grains.GetGrain<IKeyEncapsulationGrain>(key);
}
