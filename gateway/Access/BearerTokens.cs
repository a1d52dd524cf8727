using System.Security.Cryptography;

namespace OrleansKms.Gateway.Access;

/// <summary>Finds whose a bearer token is: an API token's, a JWT's, or the administrator's.</summary>
internal sealed class BearerTokens(IPrincipalSource administrator, KnownPrincipals principals, TokenUses uses, TimeProvider time)
{
    private const int MaxNameLength = 32;

    /// <summary>Finds whose it is. What is kept is answered at once.</summary>
    /// <param name="token">What a client sent; anything.</param>
    /// <param name="mayAsk">Whether the cluster may be asked for what is not kept.</param>
    public ValueTask<Lookup> Find(ReadOnlySpan<char> token, bool mayAsk) =>
        ApiToken.TryReadId(token, out var id) ? FindApiToken(token, id, mayAsk)
        : administrator.Find(token) is { } known ? new(Lookup.Of(known))
        : new(FindAdministrator(token));

    // Who may sign in can have become known since the first look.
    private Lookup FindAdministrator(ReadOnlySpan<char> token) =>
        !administrator.IsReady ? Lookup.CannotTell
        : administrator.Find(token) is { } late ? Lookup.Of(late)
        : Lookup.Nobody;

    private ValueTask<Lookup> FindApiToken(ReadOnlySpan<char> token, ReadOnlySpan<char> id, bool mayAsk)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        TokenHash.Compute(token, hash);
        Span<char> name = stackalloc char[MaxNameLength];
        CredentialName.TokenPrefix.CopyTo(name);
        id.CopyTo(name[CredentialName.TokenPrefix.Length..]);
        name = name[..(CredentialName.TokenPrefix.Length + id.Length)];
        if (principals.Kept(name) is { } known) return new(Compare(known, hash));
        return mayAsk ? new(Ask(name.ToString(), hash.ToArray())) : new(principals.IsCurrent ? Lookup.Refused : Lookup.CannotTell);
    }

    private async Task<Lookup> Ask(string name, byte[] hash)
    {
        var (state, known) = await principals.Ask(name);
        return known is null ? new(state) : Compare(known, hash);
    }

    private Lookup Compare(KnownCredential known, ReadOnlySpan<byte> hash)
    {
        if (!known.Has(hash)) return Lookup.Nobody;
        var now = time.GetUtcNow();
        var lookup = known.At(now);
        if (lookup.Principal is not null) uses.Note(known, now);
        return lookup;
    }
}
