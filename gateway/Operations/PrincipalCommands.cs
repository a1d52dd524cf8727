namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Commands for principals and their tokens. After a change this gateway refreshes its cache at once, so that its callers see their own
/// changes; other gateways follow within seconds.
/// </summary>
internal static class PrincipalCommands
{
    /// <summary>Creates a principal.</summary>
    public static Task<PrincipalDescription> Create(Call call, CreatePrincipal request) => Changed(call, Principals(call).Create(request));

    /// <summary>Describes a principal.</summary>
    public static Task<PrincipalDescription> Describe(Call call, string name) => Principals(call).Describe(new(call.Caller, name));

    /// <summary>One page of principals.</summary>
    public static Task<PrincipalPage> List(Call call, string prefix, string? after, int limit) =>
        Principals(call).List(new(call.Caller, prefix, after, limit));

    /// <summary>Changes a principal.</summary>
    public static Task<PrincipalDescription> Update(Call call, UpdatePrincipal request) => Changed(call, Principals(call).Update(request));

    /// <summary>Allows a principal to sign in again.</summary>
    public static Task<PrincipalDescription> Enable(Call call, string name) => Changed(call, Principals(call).Enable(new(call.Caller, name, call.Proof)));

    /// <summary>Prevents a principal from signing in.</summary>
    public static Task<PrincipalDescription> Disable(Call call, string name) => Changed(call, Principals(call).Disable(new(call.Caller, name, call.Proof)));

    /// <summary>Removes a principal and its tokens.</summary>
    public static Task Delete(Call call, string name) => Changed(call, Done(Principals(call).Delete(new(call.Caller, name, call.Proof))));

    /// <summary>Creates a token.</summary>
    public static Task<CreatedToken> CreateToken(Call call, string name, TimeSpan? expiresIn, string? description) =>
        Changed(call, Principals(call).CreateToken(new(call.Caller, name, expiresIn ?? KmsLimits.DefaultTokenLife, description, call.Proof)));

    /// <summary>All tokens of a principal.</summary>
    public static Task<TokenDescription[]> ListTokens(Call call, string name) => Principals(call).ListTokens(new(call.Caller, name));

    /// <summary>Revokes a token.</summary>
    public static Task RevokeToken(Call call, string name, string id) =>
        Changed(call, Done(Principals(call).RevokeToken(new(call.Caller, name, id, call.Proof))));

    private static IPrincipalsGrain Principals(Call call) => call.Services.Grains.GetGrain<IPrincipalsGrain>(IPrincipalsGrain.Key);

    internal static async Task<T> Changed<T>(Call call, Task<T> change)
    {
        var answer = await change;
        await call.Services.Principals.Refresh();
        return answer;
    }

    private static async Task<bool> Done(Task change)
    {
        await change;
        return true;
    }
}
