namespace OrleansKms.Gateway.Access;

/// <summary>Resolves a bearer token to the administrator.</summary>
internal interface IPrincipalSource
{
    /// <summary>Whether the administrator is known at present. While not, <see cref="Find"/> always returns null.</summary>
    bool IsReady { get; }

    /// <summary>The token's principal, or null if the token is unknown.</summary>
    Principal? Find(ReadOnlySpan<char> token);
}
