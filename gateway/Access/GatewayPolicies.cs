namespace OrleansKms.Gateway.Access;

/// <summary>Names of authorization policies that a host can apply to its own routes.</summary>
public static class GatewayPolicies
{
    /// <summary>
    /// Requires permission for the operation that the route names: the administrator, or a principal whose policies allow it. A route under
    /// <c>/dashboard</c> also accepts HTTP Basic, so that a browser can sign in; the password is an API token or the administrator's.
    /// </summary>
    public const string Operation = "okms.operation";

    /// <summary>Requires permission to read metrics, or the metrics token.</summary>
    internal const string Metrics = "okms.metrics";
}
