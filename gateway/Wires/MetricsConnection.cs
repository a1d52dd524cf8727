namespace OrleansKms.Gateway.Wires;

/// <summary>Marks connections of the listener for metrics and health, which serves nothing else.</summary>
internal sealed class MetricsConnection
{
    public static readonly MetricsConnection Instance = new();

    private static readonly PathString _health = "/health";
    private static readonly PathString _metrics = "/metrics";

    private MetricsConnection()
    {
    }

    /// <summary>Whether a path is that of the metrics.</summary>
    public static bool IsMetrics(PathString path) => path.StartsWithSegments(_metrics);

    /// <summary>Whether the request's listener serves its path. If metrics have their own listener, no other serves them.</summary>
    public static bool Serves(HttpContext http)
    {
        var isMetrics = IsMetrics(http.Request.Path);
        return http.Features.Get<MetricsConnection>() is null ? !isMetrics : isMetrics || http.Request.Path.StartsWithSegments(_health);
    }
}
