using System.Security.Cryptography;
using OrleansKms.Gateway.Access.Jwt;

namespace OrleansKms.Gateway.Access;

/// <summary>Resolves a bearer token to its principal: an API token's, a JWT's, or the administrator.</summary>
internal sealed class BearerTokens(IPrincipalSource administrator, KnownPrincipals principals, JwtTokens jwt, TokenUses uses, TimeProvider time)
{
    private const int MaxNameLength = 32;

    /// <summary>Looks the token up in the cache, without a call to the cluster.</summary>
    /// <param name="token">What the client sent; untrusted.</param>
    /// <returns>Null for an API token or JWT that is not cached; see <see cref="Ask(ReadOnlySpan{char})"/>.</returns>
    public Lookup? FindKept(ReadOnlySpan<char> token)
    {
        if (!ApiToken.TryReadId(token, out var id))
        {
            return administrator.Find(token) is { } known ? Lookup.Of(known)
                : jwt.MayBe(token) ? jwt.FindKept(token)
                : FindAdministrator(token);
        }

        Span<char> name = stackalloc char[MaxNameLength];
        if (principals.Kept(Name(id, name)) is not { } kept) return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        TokenHash.Compute(token, hash);
        return Compare(kept, hash);
    }

    /// <summary>Asks the cluster about an API token, or validates a JWT, that is not cached.</summary>
    /// <param name="token">A token for which <see cref="FindKept"/> returned null.</param>
    public Task<Lookup> Ask(ReadOnlySpan<char> token)
    {
        if (!ApiToken.TryReadId(token, out var id)) return jwt.MayBe(token) ? jwt.Ask(token) : Task.FromResult(Lookup.Nobody);
        Span<char> name = stackalloc char[MaxNameLength];
        var hash = new byte[SHA256.HashSizeInBytes];
        TokenHash.Compute(token, hash);
        return Ask(Name(id, name).ToString(), hash);
    }

    /// <summary>The result for a token that is not cached when too many sign-ins from its address have failed.</summary>
    public Lookup Unasked => principals.IsCurrent ? Lookup.Refused : Lookup.CannotTell;

    private static ReadOnlySpan<char> Name(ReadOnlySpan<char> id, Span<char> name)
    {
        CredentialName.TokenPrefix.CopyTo(name);
        id.CopyTo(name[CredentialName.TokenPrefix.Length..]);
        return name[..(CredentialName.TokenPrefix.Length + id.Length)];
    }

    // The administrator may have become known since the first lookup.
    private Lookup FindAdministrator(ReadOnlySpan<char> token) =>
        !administrator.IsReady ? Lookup.CannotTell
        : administrator.Find(token) is { } late ? Lookup.Of(late)
        : Lookup.Nobody;

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
