using System.Security.Claims;

namespace OrleansKms.Gateway.Access;

/// <summary>Who makes a request, and by what it signed in.</summary>
internal sealed class Principal
{
    /// <summary>What the administrator signs in by.</summary>
    public const string AdministratorCredential = "administrator";

    private static readonly Policy[] _administratorsPolicies = [BuiltInPolicies.All["administrator"]];

    /// <summary>One that is built in, or that a wire makes for callers of its own.</summary>
    public Principal(string name, bool isAdministrator)
    {
        (Name, IsAdministrator, Credential) = (name, isAdministrator, isAdministrator ? AdministratorCredential : name);
        Policies = isAdministrator ? _administratorsPolicies : [];
        Compiled = CompiledPolicies.Of(Policies);
        Claims = ClaimsOf(name);
    }

    /// <summary>One of whom the cluster tells.</summary>
    /// <param name="facts">What it told.</param>
    /// <param name="compiled">The policies among it.</param>
    /// <param name="credential">What it signed in by, as logs and the audit trail have it.</param>
    /// <param name="expiresAt">When that ends, UTC; null for never.</param>
    public Principal(PrincipalFacts facts, CompiledPolicies compiled, string credential, DateTimeOffset? expiresAt)
    {
        (Name, Policies, Compiled, Limits) = (facts.Name, facts.Policies, compiled, facts.Limits);
        (Credential, ExpiresAt) = (credential, expiresAt);
        Claims = ClaimsOf(Name);
    }

    /// <summary>The one who may do everything. No policy binds it, and no key's own.</summary>
    public static Principal Administrator { get; } = new(CompiledPolicies.Unbound, isAdministrator: true);

    /// <summary>Who scrapes metrics and may do nothing else.</summary>
    public static Principal Metrics { get; } = new("metrics", isAdministrator: false);

    /// <summary>The name in logs, metrics and audit.</summary>
    public string Name { get; }

    /// <summary>How often it may do what; none for no limits.</summary>
    public IReadOnlyList<LimitRule> Limits { get; init; } = [];

    /// <summary>Whether everything is allowed.</summary>
    public bool IsAdministrator { get; }

    /// <summary>What it signed in by: <c>administrator</c>, <c>token:</c> and its id, <c>jwt:</c> and the issuer, <c>certificate:</c> and a name.</summary>
    public string Credential { get; }

    /// <summary>When that ends, UTC; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>The policies.</summary>
    public IReadOnlyList<Policy> Policies { get; }

    /// <summary>The policies, made ready for decisions.</summary>
    public CompiledPolicies Compiled { get; }

    /// <summary>Whether its bearer token proves to a silo who it is; a JWT and a certificate only a gateway can judge.</summary>
    public bool CanProve => IsAdministrator || CredentialName.TokenId(Credential) is not null;

    /// <summary>The same principal for ASP.NET Core's authorization.</summary>
    public ClaimsPrincipal Claims { get; }

    private static ClaimsPrincipal ClaimsOf(string name) => new(new ClaimsIdentity([new(ClaimTypes.Name, name)], "okms"));
}
