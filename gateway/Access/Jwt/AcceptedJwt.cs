namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>A validated token. Its principal is looked up at each use.</summary>
/// <param name="Issuer">The issuer.</param>
/// <param name="Keys">The issuer's keys at the time of validation.</param>
/// <param name="Subject">The claim <c>sub</c>.</param>
/// <param name="ExpiresAt">The claim <c>exp</c>, UTC.</param>
internal sealed record AcceptedJwt(IssuerKeys Issuer, IssuerKeySet Keys, string Subject, DateTimeOffset ExpiresAt)
{
    private Owner? _owner;

    /// <summary>The principal at the last use, and what it was made from.</summary>
    private sealed record Owner(KnownCredential Known, Principal Principal);

    /// <summary>The name of the credential.</summary>
    public string Name { get; } = CredentialName.OfJwt(Issuer.Issuer.Name, Subject);

    /// <summary>Whether the issuer's keys are unchanged since the validation, so that it still holds.</summary>
    public bool HasSameKeys => ReferenceEquals(Issuer.Current, Keys);

    /// <summary>Whether it has expired, clock skew included.</summary>
    public bool HasExpired(DateTimeOffset now) => now >= ExpiresAt + Issuer.Issuer.Skew;

    /// <summary>The principal, if it may sign in.</summary>
    public Lookup Of(KnownCredential known)
    {
        if (!known.Facts.IsEnabled) return Lookup.Nobody;
        if (_owner is { } owner && ReferenceEquals(owner.Known, known)) return Lookup.Of(owner.Principal);
        var principal = new Principal(known.Facts, known.Compiled, "jwt:" + Issuer.Issuer.Name, ExpiresAt);
        _owner = new(known, principal);
        return Lookup.Of(principal);
    }
}
