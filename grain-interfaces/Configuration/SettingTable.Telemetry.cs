namespace OrleansKms.Configuration;

/// <content>
/// Where traces, metrics and logs are sent: the names and words that the OpenTelemetry specification gives, so that what an operator sets
/// for other services serves here. The library itself reads the rest of them (time-outs, batches, certificates, resource attributes).
/// </content>
internal static partial class SettingTable
{
    private const string Otlp = "otlp";
    private const string None = "none";

    public static TextSetting OtlpEndpoint { get; } = new("OTEL_EXPORTER_OTLP_ENDPOINT", "an `http` or `https` address")
    {
        DefaultInWords = "none: nothing is sent",
        Meaning = "the OpenTelemetry collector that gets traces, metrics and logs",
    };

    public static ChoiceSetting OtlpProtocol { get; } = new("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf")
    {
        Default = "grpc",
        Meaning = "how it is spoken to",
    };

    public static TextSetting OtlpHeaders { get; } = new("OTEL_EXPORTER_OTLP_HEADERS", "`name=value`, separated by commas")
    {
        Meaning = "headers for it",
    };

    public static ChoiceSetting TracesExporter { get; } = new("OTEL_TRACES_EXPORTER", Otlp, None)
    {
        Default = Otlp,
        Meaning = "whether it gets traces",
    };

    public static ChoiceSetting MetricsExporter { get; } = new("OTEL_METRICS_EXPORTER", Otlp, None)
    {
        Default = Otlp,
        Meaning = "whether it gets metrics",
    };

    public static ChoiceSetting LogsExporter { get; } = new("OTEL_LOGS_EXPORTER", Otlp, None)
    {
        Default = Otlp,
        Meaning = "whether it gets logs",
    };

    public static ChoiceSetting TracesSampler { get; } = new(
        "OTEL_TRACES_SAMPLER", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio")
    {
        Default = "parentbased_always_on",
        Meaning = "which requests are traced",
    };

    public static TextSetting TracesSamplerRatio { get; } = new("OTEL_TRACES_SAMPLER_ARG", "`0` to `1`")
    {
        Default = "1",
        Meaning = "the share of requests that the samplers named `traceidratio` take",
    };

    public static TextSetting ServiceName { get; } = new("OTEL_SERVICE_NAME", "text")
    {
        DefaultInWords = "`okms-silo`; `okms-gateway` for a separate gateway",
        Meaning = "what the collector calls this process",
    };
}
