namespace OrleansKms.Gateway.Access;

/// <summary>A session of the console, opened for one request.</summary>
/// <param name="Token">The bearer token that the user signed in with.</param>
/// <param name="Since">When the user signed in, UTC.</param>
/// <param name="SealedAt">When the cookie was made, UTC.</param>
internal sealed record ConsoleSession(string Token, DateTimeOffset Since, DateTimeOffset SealedAt)
{
    /// <summary>Whether its cookie was that of a browser that uses TLS. Browsers tell an <c>Origin</c> only when they change something.</summary>
    public bool IsSecure { get; init; }

    /// <summary>The type alone: the token is in no log.</summary>
    public override string ToString() => nameof(ConsoleSession);
}
