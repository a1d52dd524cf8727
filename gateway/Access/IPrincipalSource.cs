namespace OrleansKms.Gateway.Access;

/// <summary>Finds the administrator by a bearer token.</summary>
internal interface IPrincipalSource
{
    /// <summary>Whether it is known at present who may sign in. While it is not, <see cref="Find"/> finds nobody.</summary>
    bool IsReady { get; }

    /// <summary>The token's principal, or null when the token is none that is known.</summary>
    Principal? Find(ReadOnlySpan<char> token);
}
