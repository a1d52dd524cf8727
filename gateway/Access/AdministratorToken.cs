using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Access;

/// <summary>The administrator, identified by the token this process was started with.</summary>
internal sealed class AdministratorToken(GatewayOptions options) : IPrincipalSource
{
    private readonly byte[] _expected = options.AdministratorTokenSha256
        ?? throw new InvalidOperationException("Internal error: there is no administrator's token.");

    public bool IsReady => true;

    public Principal? Find(ReadOnlySpan<char> token) => TokenHash.Matches(token, _expected) ? Principal.Administrator : null;
}
