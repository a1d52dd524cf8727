namespace OrleansKms.Gateway.Access;

/// <summary>The outcome of looking up a principal.</summary>
internal enum LookupState
{
    /// <summary>No principal has the credential, or it has expired.</summary>
    Nobody,

    /// <summary>A principal has it.</summary>
    Found,

    /// <summary>The cluster, or the token's issuer, cannot be asked at present.</summary>
    CannotTell,

    /// <summary>Too many sign-ins from the address have failed; the credential was not looked up.</summary>
    Refused,

    /// <summary>The request has no credentials.</summary>
    Nothing,
}

/// <summary>A principal, or why there is none.</summary>
/// <param name="State">What came of it.</param>
/// <param name="Principal">Who it is, if somebody.</param>
/// <param name="Why">Why nobody is, for whoever tries; null where that would help a guesser.</param>
internal readonly record struct Lookup(LookupState State, Principal? Principal = null, string? Why = null)
{
    public static Lookup Nobody => default;

    public static Lookup CannotTell => new(LookupState.CannotTell);

    public static Lookup Refused => new(LookupState.Refused);

    public static Lookup Nothing => new(LookupState.Nothing);

    public static Lookup Because(string why) => new(LookupState.Nobody, Why: why);

    public static Lookup Of(Principal principal) => new(LookupState.Found, principal);
}
