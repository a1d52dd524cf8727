using System.Security.Claims;

namespace OrleansKms.Gateway.Access;

/// <summary>Who makes a request, and the credential it signed in with.</summary>
internal sealed class Principal
{
    /// <summary>The administrator's credential.</summary>
    public const string AdministratorCredential = "administrator";

    private static readonly Policy[] _administratorsPolicies = [BuiltInPolicies.All["administrator"]];

    /// <summary>A built-in principal, or one that a wire makes for its own callers.</summary>
    public Principal(string name, bool isAdministrator)
    {
        (Name, IsAdministrator, Credential) = (name, isAdministrator, isAdministrator ? AdministratorCredential : name);
        Policies = isAdministrator ? _administratorsPolicies : [];
        Compiled = CompiledPolicies.Of(Policies);
        Claims = ClaimsOf(name);
    }

    /// <summary>A principal from the cluster.</summary>
    /// <param name="facts">What the cluster returned.</param>
    /// <param name="compiled">Its policies, compiled.</param>
    /// <param name="credential">The credential it signed in with, as in logs and the audit trail.</param>
    /// <param name="expiresAt">When the credential expires, UTC; null for never.</param>
    public Principal(PrincipalFacts facts, CompiledPolicies compiled, string credential, DateTimeOffset? expiresAt)
    {
        (Name, Policies, Compiled, Limits) = (facts.Name, facts.Policies, compiled, facts.Limits);
        (Credential, ExpiresAt) = (credential, expiresAt);
        Claims = ClaimsOf(Name);
    }

    /// <summary>The administrator, who may do everything. No policy applies, not even a key's own.</summary>
    public static Principal Administrator { get; } = new(CompiledPolicies.Unbound, isAdministrator: true);

    /// <summary>A metrics scraper, which may do nothing else.</summary>
    public static Principal Metrics { get; } = new("metrics", isAdministrator: false);

    /// <summary>The name in logs, metrics and the audit trail.</summary>
    public string Name { get; }

    /// <summary>Its limits; empty for none.</summary>
    public IReadOnlyList<LimitRule> Limits { get; init; } = [];

    /// <summary>Whether everything is allowed.</summary>
    public bool IsAdministrator { get; }

    /// <summary>
    /// The credential: <c>administrator</c>, <c>token:</c> and its id, <c>jwt:</c> and the issuer, or <c>certificate:</c> and a name.
    /// </summary>
    public string Credential { get; }

    /// <summary>When the credential expires, UTC; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>The policies.</summary>
    public IReadOnlyList<Policy> Policies { get; }

    /// <summary>The policies, compiled for decisions.</summary>
    public CompiledPolicies Compiled { get; }

    /// <summary>Whether its bearer token proves its identity to a silo. Only a gateway can verify a JWT or a certificate.</summary>
    public bool CanProve => IsAdministrator || CredentialName.TokenId(Credential) is not null;

    /// <summary>The same principal for ASP.NET Core's authorization.</summary>
    public ClaimsPrincipal Claims { get; }

    private static ClaimsPrincipal ClaimsOf(string name) => new(new ClaimsIdentity([new(ClaimTypes.Name, name)], "okms"));
}
