namespace OrleansKms.Gateway.Operations;

/// <summary>Creates, describes and changes keys that the caller is authorized for.</summary>
internal static class KeyCommands
{
    /// <summary>Creates a key.</summary>
    public static Task<KeyDescription> Create(Call call, string key, CreateKey request)
    {
        request = request with { Within = call.Remaining };

        // An older silo would create the key and ignore the fields it does not know.
        return request.Approval is null && request.Limits is not { Count: > 0 } ? call.Key(key).Create(request) : ApprovalCommands.Create(call, key, request);
    }

    /// <summary>Describes a key.</summary>
    public static Task<KeyDescription> Describe(Call call, string key) => call.InTime(call.Key(key).Describe(new(call.Caller)));

    /// <summary>Changes the changeable fields of a key.</summary>
    public static Task<KeyDescription> Update(Call call, string key, UpdateKey request) =>
        request.Approval.IsSet || request.Limits.IsSet ? ApprovalCommands.Update(call, key, request) : call.InTime(call.Key(key).Update(request));

    /// <summary>Makes a new primary version.</summary>
    public static Task<KeyDescription> Rotate(Call call, string key) => call.InTime(call.Key(key).Rotate(new(call.Caller)));

    /// <summary>Makes a disabled key usable again.</summary>
    public static Task<KeyDescription> Enable(Call call, string key) => call.InTime(call.Key(key).Enable(new(call.Caller)));

    /// <summary>Makes a key unusable until it is enabled.</summary>
    public static Task<KeyDescription> Disable(Call call, string key) => call.InTime(call.Key(key).Disable(new(call.Caller)));

    /// <summary>Makes a key unusable now and erases its material later.</summary>
    public static Task<KeyDescription> ScheduleDeletion(Call call, string key, TimeSpan? after) =>
        call.InTime(call.Key(key).ScheduleDeletion(new(call.Caller, after ?? KmsLimits.DefaultDeletionDelay)));

    /// <summary>Cancels a scheduled deletion.</summary>
    public static Task<KeyDescription> CancelDeletion(Call call, string key) =>
        call.InTime(call.Key(key).CancelDeletion(new(call.Caller)));

    /// <summary>Makes a disabled version usable again.</summary>
    public static Task<KeyDescription> EnableVersion(Call call, string key, int version) =>
        call.InTime(call.Key(key).EnableVersion(new(call.Caller, version)));

    /// <summary>Makes a version unusable until it is enabled.</summary>
    public static Task<KeyDescription> DisableVersion(Call call, string key, int version) =>
        call.InTime(call.Key(key).DisableVersion(new(call.Caller, version)));

    /// <summary>Checks whether a key can be used, authorizing the check.</summary>
    /// <param name="call">The request.</param>
    /// <param name="text">An id, or <c>alias:</c> and a name.</param>
    public static async Task<KeyValidation> Validate(Call call, string text)
    {
        var key = await call.ResolveKey(text, KmsOperation.ValidateKey);
        return await call.Key(key).Validate(new(call.Caller));
    }
}
