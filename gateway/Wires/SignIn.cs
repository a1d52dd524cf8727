using OrleansKms.Gateway.Access;

namespace OrleansKms.Gateway.Wires;

/// <summary>What a wire knows about the caller.</summary>
internal enum SignInState
{
    /// <summary>Wrong credentials.</summary>
    Nobody,
    /// <summary>No credentials.</summary>
    Absent,
    /// <summary>Credentials that were not looked at, since too many have failed from there.</summary>
    Refused,
    /// <summary>A principal.</summary>
    Known,
    /// <summary>There are credentials whose validity is currently unknown.</summary>
    Unknown,
    /// <summary>No sign-in is needed here.</summary>
    Open,
    /// <summary>The body identifies the caller.</summary>
    AfterBody,
}

/// <summary>The caller, as a wire sees it.</summary>
/// <param name="State">What it knows.</param>
/// <param name="Principal">Who it is, if somebody.</param>
/// <param name="Why">Why nobody is, for whoever tries; null where that would help a guesser.</param>
internal readonly record struct SignIn(SignInState State, Principal? Principal = null, string? Why = null)
{
    public static SignIn Nobody => new(SignInState.Nobody);

    public static SignIn Absent => new(SignInState.Absent);

    public static SignIn Refused => new(SignInState.Refused);

    public static SignIn Unknown => new(SignInState.Unknown);

    public static SignIn Open => new(SignInState.Open);

    public static SignIn AfterBody => new(SignInState.AfterBody);

    public static SignIn As(Principal principal) => new(SignInState.Known, principal);
}
