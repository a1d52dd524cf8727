using System.Security.Cryptography;

namespace OrleansKms.Gateway.Access;

/// <summary>A credential cached by a gateway, with its principal.</summary>
internal sealed class KnownCredential
{
    private long _minute;

    /// <summary>Caches what the cluster returned.</summary>
    /// <param name="name">The credential, as <see cref="CredentialName"/> writes it.</param>
    /// <param name="facts">The credential's principal.</param>
    public KnownCredential(string name, PrincipalFacts facts)
    {
        (Facts, TokenId) = (facts, CredentialName.TokenId(name));
        Compiled = CompiledPolicies.Of(facts.Policies);
        Principal = new(facts, Compiled, name, facts.ExpiresAt);
    }

    /// <summary>The credential's principal, as the cluster returned it.</summary>
    public PrincipalFacts Facts { get; }

    /// <summary>The policies, compiled for decisions.</summary>
    public CompiledPolicies Compiled { get; }

    /// <summary>The principal. A JWT's principal depends on the token, so it is made from <see cref="Facts"/>.</summary>
    public Principal Principal { get; }

    /// <summary>The token's id; null for other credentials.</summary>
    public string? TokenId { get; }

    /// <summary>The principal, if it may sign in now.</summary>
    public Lookup At(DateTimeOffset now) =>
        Facts.IsEnabled && (Facts.ExpiresAt is not { } end || now < end) ? Lookup.Of(Principal) : Lookup.Nobody;

    /// <summary>Whether the token has this hash, compared in constant time.</summary>
    public bool Has(ReadOnlySpan<byte> sha256) => Facts.TokenSha256 is { } expected && CryptographicOperations.FixedTimeEquals(sha256, expected);

    /// <summary>Records a use.</summary>
    /// <returns>Whether it is the first use in its minute.</returns>
    public bool UsedAt(long minute) => Volatile.Read(ref _minute) != minute && Interlocked.Exchange(ref _minute, minute) != minute;
}
