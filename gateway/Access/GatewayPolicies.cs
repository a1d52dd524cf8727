namespace OrleansKms.Gateway.Access;

/// <summary>Names of authorization policies that a host may put on its own routes.</summary>
public static class GatewayPolicies
{
    /// <summary>
    /// Whoever may do the operation that the route names, by policy: the administrator, or an operator's role. A route under
    /// <c>/dashboard</c> also takes HTTP Basic, so that a browser can sign in; the password is an API token, or the administrator's.
    /// </summary>
    public const string Operation = "okms.operation";

    /// <summary>Whoever may read metrics by policy, and who signs in by the token for them.</summary>
    internal const string Metrics = "okms.metrics";
}
