namespace OrleansKms.Gateway.Access;

/// <summary>Finds whose a client's certificate is, by its names. Names of two principals are nobody's: it would not be clear whose.</summary>
internal sealed class CertificateSignIn(ClientAuthorities authorities, KnownPrincipals principals, TimeProvider time)
{
    private static readonly Lookup _nobody = Lookup.Because("The client certificate names no principal that may sign in.");
    private static readonly Lookup _ambiguous = Lookup.Because("The client certificate names more than one principal.");
    private static readonly Lookup _tooMany = Lookup.Because($"The client certificate has more than {ClientCertificate.MaxNames} names.");

    /// <summary>Why the certificate is not accepted now, whoever it names; null if it is.</summary>
    public string? RefusalOf(ClientCertificate shown) => shown.JudgedBy(authorities.Current).RefusalAt(time.GetUtcNow());

    /// <summary>Finds whose an accepted certificate is by what is kept, at once.</summary>
    /// <returns>Null where only the cluster can tell.</returns>
    public Lookup? FindKept(ClientCertificate shown)
    {
        if (!principals.IsCurrent) return Lookup.CannotTell;
        if (shown.Credentials.Count > ClientCertificate.MaxNames) return _tooMany;
        KnownCredential? owner = null;
        var credential = "";
        foreach (var name in shown.Credentials)
        {
            if (principals.Kept(name) is not { } known)
            {
                if (principals.IsUnknown(name)) continue;
                return null;
            }

            if (owner is not null && owner.Facts.Name != known.Facts.Name) return _ambiguous;
            if (owner is null) (owner, credential) = (known, name);
        }

        return Of(shown, owner, credential);
    }

    /// <summary>Asks the cluster whose the names are.</summary>
    public async Task<Lookup> Ask(ClientCertificate shown)
    {
        KnownCredential? owner = null;
        var credential = "";
        foreach (var name in shown.Credentials)
        {
            var (state, known) = await principals.Ask(name);
            if (state == LookupState.CannotTell) return Lookup.CannotTell;
            if (known is null) continue;
            if (owner is not null && owner.Facts.Name != known.Facts.Name) return _ambiguous;
            if (owner is null) (owner, credential) = (known, name);
        }

        return Of(shown, owner, credential);
    }

    // Whether the principal exists at all is nobody's business who may not sign in.
    private Lookup Of(ClientCertificate shown, KnownCredential? owner, string credential) => owner is { Facts.IsEnabled: true }
        ? Lookup.Of(shown.PrincipalOf(owner, credential, shown.JudgedBy(authorities.Current).NotAfter))
        : _nobody;
}
