namespace OrleansKms.Gateway.Operations;

/// <summary>The administrator's commands for the key-encryption keys.</summary>
internal static class KekCommands
{
    /// <summary>Lists them.</summary>
    public static Task<KekDescription[]> List(Call call) => Ring(call).List(new(call.Caller, call.Proof));

    /// <summary>Creates a new one, under which all rows are resealed.</summary>
    public static Task<KekDescription> Rotate(Call call) => Ring(call).Rotate(new(call.Caller, call.Proof));

    /// <summary>Destroys one that no row needs.</summary>
    public static Task<KekDescription> Destroy(Call call, string id) => Ring(call).Destroy(new(call.Caller, id, call.Proof));

    private static IKekRingGrain Ring(Call call) => call.Services.Grains.GetGrain<IKekRingGrain>(IKekRingGrain.Key);
}
