using System.Globalization;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Observability;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Sends traces, metrics and logs to an OpenTelemetry collector. Without one, nothing of this is in the process: no filter of grain calls,
/// no listener, no thread.
/// </summary>
internal static class TelemetryExport
{
    // Orleans counts our grains as its own, because of how their namespace begins.
    private static readonly string[] _sources =
        [RequestTrace.SourceName, "OrleansKms.Grains", "Microsoft.Orleans.Application", "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Lifecycle"];

    /// <summary>Adds what the settings ask for.</summary>
    /// <param name="builder">The host.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="program">The service's name, unless the settings have another.</param>
    public static void ExportTelemetry(this WebApplicationBuilder builder, TelemetrySettings settings, string program)
    {
        if (!settings.Traces && !settings.Metrics && !settings.Logs) return;
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(
            settings.ServiceName ?? program, serviceVersion: StartAndStop.Version,
            serviceInstanceId: string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}:{Environment.ProcessId}")));
        if (settings.Traces)
        {
            telemetry.WithTracing(traces => traces
                .SetSampler(new RequestsOnly(SamplerOf(settings)))
                .AddSource(_sources)
                .AddProcessor(new SafeSpans())
                .AddOtlpExporter(exporter => Aim(exporter, settings, "traces")));
        }

        if (settings.Metrics) telemetry.WithMetrics(metrics => metrics.AddOtlpExporter(exporter => Aim(exporter, settings, "metrics")));
        if (settings.Logs)
        {
            telemetry.WithLogging(
                logs => logs.AddProcessor(_ => new SafeLogs(InBatches(new OtlpLogExporter(Aim(new(), settings, "logs"))))),
                options => options.IncludeFormattedMessage = options.ParseStateValues = true);
        }
    }

    private static OtlpExporterOptions Aim(OtlpExporterOptions exporter, TelemetrySettings settings, string signal)
    {
        exporter.Protocol = settings.IsHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        exporter.Endpoint = settings.IsHttp ? new($"{settings.Endpoint!.AbsoluteUri.TrimEnd('/')}/v1/{signal}") : settings.Endpoint!;
        if (settings.Headers is { } headers) exporter.Headers = headers;
        return exporter;
    }

    // As the library would, which reads its own settings.
    private static BatchLogRecordExportProcessor InBatches(OtlpLogExporter exporter)
    {
        var options = new BatchExportLogRecordProcessorOptions();
        return new(exporter, options.MaxQueueSize, options.ScheduledDelayMilliseconds, options.ExporterTimeoutMilliseconds, options.MaxExportBatchSize);
    }

    private static Sampler SamplerOf(TelemetrySettings settings)
    {
        const string ByParent = "parentbased_";
        var isByParent = settings.Sampler.StartsWith(ByParent, StringComparison.Ordinal);
        Sampler sampler = (isByParent ? settings.Sampler[ByParent.Length..] : settings.Sampler) switch
        {
            "always_on" => new AlwaysOnSampler(),
            "always_off" => new AlwaysOffSampler(),
            _ => new TraceIdRatioBasedSampler(settings.SamplerRatio),
        };
        return isByParent ? new ParentBasedSampler(sampler) : sampler;
    }
}
