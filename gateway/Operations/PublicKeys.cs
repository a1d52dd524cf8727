namespace OrleansKms.Gateway.Operations;

/// <summary>Reads public keys of a key for which the caller was authorized.</summary>
internal static class PublicKeys
{
    /// <summary>Reads the public key of a version; of the primary one where none is named.</summary>
    public static ValueTask<PublicKeyDescription> Read(Call call, string key, int? version) => NewSilos.Ask(
        () => new ValueTask<PublicKeyDescription>(call.InTime(call.Services.Grains.GetGrain<IPublicKeyGrain>(key).Read(new(call.Caller, version)))));
}
