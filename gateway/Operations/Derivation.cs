namespace OrleansKms.Gateway.Operations;

/// <summary>Derives keys, with a key that the caller is authorized for.</summary>
internal static class Derivation
{
    /// <summary>Derives a key, or agrees on one.</summary>
    public static ValueTask<Derived> Derive(Call call, string key, Derive request) =>
        NewSilos.Ask(() => call.InTime(call.Services.Grains.GetGrain<IKeyDerivationGrain>(key).Derive(request)));
}
