using System.Security.Claims;

namespace OrleansKms.Gateway.Access;

/// <summary>Who makes a request.</summary>
internal sealed class Principal
{
    /// <summary>The role that <see cref="GatewayPolicies.Administrator"/> asks for.</summary>
    public const string AdministratorRole = "okms:administrator";

    /// <summary>The role that <see cref="GatewayPolicies.Metrics"/> asks for besides.</summary>
    public const string MetricsRole = "okms:metrics";

    public Principal(string name, bool isAdministrator, string? role = null)
    {
        Name = name;
        IsAdministrator = isAdministrator;
        var identity = new ClaimsIdentity([new(ClaimTypes.Name, name)], "okms");
        if (isAdministrator)
        {
            identity.AddClaim(new(ClaimTypes.Role, AdministratorRole));
        }

        if (role is not null)
        {
            identity.AddClaim(new(ClaimTypes.Role, role));
        }

        Claims = new ClaimsPrincipal(identity);
    }

    /// <summary>The one who may do everything.</summary>
    public static Principal Administrator { get; } = new("admin", isAdministrator: true);

    /// <summary>Who scrapes metrics and may do nothing else.</summary>
    public static Principal Metrics { get; } = new("metrics", isAdministrator: false, MetricsRole);

    /// <summary>The name in logs, metrics and audit.</summary>
    public string Name { get; }

    /// <summary>How often it may do what; none for no limits.</summary>
    public IReadOnlyList<LimitRule> Limits { get; init; } = [];

    /// <summary>Whether everything is allowed.</summary>
    public bool IsAdministrator { get; }

    /// <summary>The same principal for ASP.NET Core's authorization.</summary>
    public ClaimsPrincipal Claims { get; }
}

/// <summary>Finds the principal that a bearer token belongs to.</summary>
internal interface IPrincipalSource
{
    /// <summary>Whether it is known at present who may sign in. While it is not, <see cref="Find"/> finds nobody.</summary>
    bool IsReady { get; }

    /// <summary>The token's principal, or null when the token is none that is known.</summary>
    Principal? Find(ReadOnlySpan<char> token);
}
