namespace OrleansKms.Gateway.Access;

/// <summary>Names of authorization policies that a host may put on its own routes.</summary>
public static class GatewayPolicies
{
    /// <summary>Only the administrator. A route under <c>/dashboard</c> also takes HTTP Basic, so that a browser can sign in.</summary>
    public const string Administrator = "okms.administrator";

    /// <summary>The administrator, and who signs in by the token for metrics.</summary>
    internal const string Metrics = "okms.metrics";
}
