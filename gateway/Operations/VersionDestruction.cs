namespace OrleansKms.Gateway.Operations;

/// <summary>Destroys single versions of a key that the caller is authorized for. Since feature level 3.</summary>
internal static class VersionDestruction
{
    /// <summary>Makes a version unusable now and erases its material later.</summary>
    /// <param name="call">The request.</param>
    /// <param name="key">The key.</param>
    /// <param name="version">The version.</param>
    /// <param name="after">How long from now; null for the default.</param>
    /// <exception cref="KmsException">conflict: a silo of an older version received the call, and nothing was done.</exception>
    public static Task<KeyDescription> Schedule(Call call, string key, int version, TimeSpan? after) =>
        Ask(call, key, versions => versions.ScheduleDestruction(new(call.Caller, version, after)));

    /// <summary>Cancels the destruction of a version.</summary>
    /// <exception cref="KmsException">conflict: a silo of an older version received the call, and nothing was done.</exception>
    public static Task<KeyDescription> Cancel(Call call, string key, int version) =>
        Ask(call, key, versions => versions.CancelDestruction(new(call.Caller, version)));

    private static async Task<KeyDescription> Ask(Call call, string key, Func<IKeyVersionsGrain, Task<KeyDescription>> ask)
    {
        try
        {
            return await call.InTime(ask(call.Services.Grains.GetGrain<IKeyVersionsGrain>(key)));
        }
        catch (Exception e) when (e is ArgumentException or TypeLoadException)
        {
            // No silo has the method, or the one that the call went through does not.
            throw KmsError.Conflict.Exception("Versions can be destroyed only once every silo is upgraded; nothing was done.");
        }
    }
}
