namespace OrleansKms.Gateway.Operations;

/// <summary>Reads the history of a key for which the caller is authorized. Silos have this method since feature level 4.</summary>
internal static class KeyHistory
{
    /// <summary>One page, newest event first.</summary>
    /// <param name="call">The request.</param>
    /// <param name="key">The key.</param>
    /// <param name="limit">The maximum number of events.</param>
    /// <param name="after">Where the previous page ended; null for the first.</param>
    /// <exception cref="KmsException">conflict: a silo of an older version received the call.</exception>
    public static async Task<KeyHistoryPage> Read(Call call, string key, int limit, string? after)
    {
        try
        {
            return await call.InTime(call.Services.Grains.GetGrain<IKeyHistoryGrain>(key).Read(new(call.Caller, limit, after)));
        }
        catch (Exception e) when (e is ArgumentException or TypeLoadException)
        {
            // No silo has it, or the one that the call went through does not.
            throw KmsError.Conflict.Exception("Histories can be read only once every silo is upgraded.");
        }
    }
}
