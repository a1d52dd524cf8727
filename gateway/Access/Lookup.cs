namespace OrleansKms.Gateway.Access;

/// <summary>What came of looking for a principal.</summary>
internal enum LookupState
{
    /// <summary>Nobody has the credential, or it is over.</summary>
    Nobody,

    /// <summary>Somebody has.</summary>
    Found,

    /// <summary>Nobody can tell at present.</summary>
    CannotTell,

    /// <summary>So many have failed from there that it is not looked at.</summary>
    Refused,

    /// <summary>There are no credentials at all.</summary>
    Nothing,
}

/// <summary>A principal, or why there is none.</summary>
internal readonly record struct Lookup(LookupState State, Principal? Principal = null)
{
    public static Lookup Nobody => default;

    public static Lookup CannotTell => new(LookupState.CannotTell);

    public static Lookup Refused => new(LookupState.Refused);

    public static Lookup Nothing => new(LookupState.Nothing);

    public static Lookup Of(Principal principal) => new(LookupState.Found, principal);
}
