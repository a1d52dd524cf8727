using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>
/// Resolves a JWT (RFC 7519) to its principal: signed by a trusted issuer, for this service, and not expired. A validated token is cached by
/// its SHA-256 until it expires or its issuer's keys change, so that a request costs no signature check. Its principal is not cached here
/// but looked up as for any other credential, so disabling it takes effect as fast.
/// </summary>
internal sealed partial class JwtTokens(JwtIssuers issuers, KnownPrincipals principals, TimeProvider time, ILogger<JwtTokens> log)
{
    /// <summary>The maximum number of cached tokens.</summary>
    public const int MaxKept = 20_000;

    private readonly ConcurrentDictionary<Hash, AcceptedJwt> _accepted = new();

    /// <summary>A token's SHA-256, the key of the cache.</summary>
    private readonly record struct Hash(ulong A, ulong B, ulong C, ulong D);

    /// <summary>Whether a text has the form of a JWT, and any issuer is trusted.</summary>
    public bool MayBe(ReadOnlySpan<char> token) => issuers.All.Count > 0 && JwtForm.MayBe(token);

    /// <summary>Looks the token up in the cache, without a call.</summary>
    /// <param name="token">A text for which <see cref="MayBe"/> returned true.</param>
    /// <returns>Null if it must be validated, or the cluster asked; see <see cref="Ask(ReadOnlySpan{char})"/>.</returns>
    public Lookup? FindKept(ReadOnlySpan<char> token)
    {
        if (!_accepted.TryGetValue(HashOf(token), out var accepted) || !accepted.HasSameKeys || accepted.HasExpired(time.GetUtcNow())) return null;
        return principals.Kept(accepted.Name) is { } known ? accepted.Of(known) : null;
    }

    /// <summary>Validates a token and asks the cluster for its principal.</summary>
    /// <param name="token">A token for which <see cref="FindKept"/> returned null.</param>
    public Task<Lookup> Ask(ReadOnlySpan<char> token) => Ask(token.ToString(), HashOf(token));

    private async Task<Lookup> Ask(string token, Hash hash)
    {
        if (!_accepted.TryGetValue(hash, out var accepted) || !accepted.HasSameKeys || accepted.HasExpired(time.GetUtcNow()))
        {
            _accepted.TryRemove(hash, out _);
            (var failure, accepted) = await Check(token);
            if (accepted is null) return failure;
        }

        var (state, known) = await principals.Ask(accepted.Name);
        var lookup = known is null ? new(state) : accepted.Of(known);
        if (lookup.State == LookupState.Found) Keep(hash, accepted);
        return lookup.State == LookupState.Nobody
            ? Refused(accepted.Issuer.Issuer, "its subject is not a principal that may sign in").Failure
            : lookup;
    }

    // Anyone can get a token from a public issuer: only those of principals are cached.
    private void Keep(Hash hash, AcceptedJwt accepted)
    {
        if (_accepted.Count >= MaxKept) _accepted.Clear();
        _accepted[hash] = accepted;
    }

    // Cheap checks come first, and at most one signature is verified.
    private async Task<(Lookup Failure, AcceptedJwt? Accepted)> Check(string token)
    {
        if (JwtForm.Read(token) is not { } form) return Refused(null, "it is malformed, or a token for another purpose");
        if (issuers.Find(form.Issuer) is not { } issuer) return Refused(null, "its issuer is not trusted");
        var settings = issuer.Issuer;
        if (!settings.Algorithms.Contains(form.Algorithm)) return Refused(settings, "its algorithm is not allowed");
        if (!form.Audiences.Any(settings.Audiences.Contains)) return Refused(settings, "its audience is another service");
        var now = time.GetUtcNow();
        if (!JwtForm.IsWithin(form.NotBefore, form.ExpiresAt, settings.Skew, now)) return Refused(settings, "it has expired or is not valid yet");
        var (state, keys, key) = await issuer.Find(form.KeyId, form.Algorithm);
        if (state == LookupState.CannotTell) return (Lookup.CannotTell, null);
        if (key is null) return Refused(settings, "its issuer has no such key");
        return await JwtSignature.IsValid(token, form, settings, key, now)
            ? (default, new(issuer, keys!, form.Subject, form.ExpiresAt))
            : Refused(settings, "its signature is wrong");
    }

    // The reason is one of those above: it says nothing of the token that its sender does not know.
    private (Lookup Failure, AcceptedJwt? Accepted) Refused(JwtIssuer? issuer, string reason)
    {
        LogRefused(log, issuer?.Name ?? "an unknown issuer", reason);
        return (Lookup.Because($"The JWT is refused: {reason}."), null);
    }

    private static Hash HashOf(ReadOnlySpan<char> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        TokenHash.Compute(token, hash);
        var parts = MemoryMarshal.Cast<byte, ulong>(hash);
        return new(parts[0], parts[1], parts[2], parts[3]);
    }

    [LoggerMessage(1, LogLevel.Information, "Sign-in: a JWT from {Issuer} was refused: {Reason}.")]
    private static partial void LogRefused(ILogger log, string issuer, string reason);
}
