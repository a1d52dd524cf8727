using OpenTelemetry.Metrics;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Which metrics are collected, and how Prometheus sees them.</summary>
internal static class Telemetry
{
    /// <summary>The meter of this service's own metrics.</summary>
    private const string KeyMeter = RepeatedCalls.MeterName;

    // Labelled by principal and operation, of which there are a thousand and a handful, and not by key.
    private const string Calls = "calls";
    private const int CallSeries = 10_000;

    // By route and status. What else the platform counts has a handful of labels; room for it is reserved when a process starts.
    private const string Requests = "http.server.request.duration";
    private const int PlatformSeries = 200;

    // Seconds. An encryption takes microseconds, or some milliseconds if its key must be loaded first.
    private static readonly double[] _buckets = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 1];

    /// <summary>Adds the collection of metrics.</summary>
    public static void AddTelemetry(this IServiceCollection services, GatewayOptions options) =>
        services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter(KeyMeter);
            metrics.AddView(instrument => instrument.Meter.Name != KeyMeter
                ? instrument.Name == Requests ? null : new MetricStreamConfiguration { CardinalityLimit = PlatformSeries }
                : instrument.GetType().GetGenericTypeDefinition() == typeof(System.Diagnostics.Metrics.Histogram<>)
                    ? new ExplicitBucketHistogramConfiguration { Boundaries = _buckets, CardinalityLimit = options.MetricsKeyLimit }
                    : new MetricStreamConfiguration { CardinalityLimit = instrument.Name == Calls ? CallSeries : options.MetricsKeyLimit });
            if (options.PlatformMetrics)
            {
                metrics.AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime");
            }

            metrics.AddPrometheusExporter(exporter =>
            {
                exporter.ScopeInfoEnabled = false;
                exporter.TargetInfoEnabled = false;
            });
        });
}
