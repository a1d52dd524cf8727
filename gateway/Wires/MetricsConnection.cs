namespace OrleansKms.Gateway.Wires;

/// <summary>Marks connections that came in by the listener for metrics and health, which serves nothing else.</summary>
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

    /// <summary>Whether the listener that a request came in by serves its path. Each has its own: metrics are nowhere else then.</summary>
    public static bool Serves(HttpContext http)
    {
        var isMetrics = IsMetrics(http.Request.Path);
        return http.Features.Get<MetricsConnection>() is null ? !isMetrics : isMetrics || http.Request.Path.StartsWithSegments(_health);
    }
}
