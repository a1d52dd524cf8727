using System.Security.Cryptography;

namespace OrleansKms.Gateway.Access;

/// <summary>What a gateway keeps of a credential and whose it is.</summary>
internal sealed class KnownCredential
{
    private long _minute;

    /// <summary>Takes over what the cluster told.</summary>
    /// <param name="name">The credential, as <see cref="CredentialName"/> writes it.</param>
    /// <param name="facts">Whose it is.</param>
    public KnownCredential(string name, PrincipalFacts facts)
    {
        (Facts, TokenId) = (facts, CredentialName.TokenId(name));
        Compiled = CompiledPolicies.Of(facts.Policies);
        Principal = new(facts, Compiled, name, facts.ExpiresAt);
    }

    /// <summary>Whose it is.</summary>
    public PrincipalFacts Facts { get; }

    /// <summary>The policies, made ready for decisions.</summary>
    public CompiledPolicies Compiled { get; }

    /// <summary>The principal; one by JWT differs by the token, and is made from the facts.</summary>
    public Principal Principal { get; }

    /// <summary>The token's id; null where it is no token.</summary>
    public string? TokenId { get; }

    /// <summary>The principal, if it may sign in.</summary>
    public Lookup At(DateTimeOffset now) =>
        Facts.IsEnabled && (Facts.ExpiresAt is not { } end || now < end) ? Lookup.Of(Principal) : Lookup.Nobody;

    /// <summary>Whether the token has this hash; in constant time.</summary>
    public bool Has(ReadOnlySpan<byte> sha256) => Facts.TokenSha256 is { } expected && CryptographicOperations.FixedTimeEquals(sha256, expected);

    /// <summary>Notes a use.</summary>
    /// <returns>Whether it is the first one of its minute.</returns>
    public bool UsedAt(long minute) => Volatile.Read(ref _minute) != minute && Interlocked.Exchange(ref _minute, minute) != minute;
}
