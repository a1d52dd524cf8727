using System.Globalization;
using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>Where a process sends its traces, metrics and logs.</summary>
public sealed record TelemetrySettings
{
    private const string Otlp = "otlp";

    /// <summary>OTEL_EXPORTER_OTLP_ENDPOINT: the collector; null for none, and then nothing is sent or made.</summary>
    public required Uri? Endpoint { get; init; }

    /// <summary>OTEL_EXPORTER_OTLP_PROTOCOL: whether it is spoken to by HTTP and protobuf, and not by gRPC.</summary>
    public required bool IsHttp { get; init; }

    /// <summary>OTEL_EXPORTER_OTLP_HEADERS: headers for it, which may hold a credential; null for none.</summary>
    public required string? Headers { get; init; }

    /// <summary>OTEL_TRACES_EXPORTER: whether traces are made and sent.</summary>
    public required bool Traces { get; init; }

    /// <summary>OTEL_METRICS_EXPORTER: whether metrics are sent; <c>/metrics</c> has them anyway.</summary>
    public required bool Metrics { get; init; }

    /// <summary>OTEL_LOGS_EXPORTER: whether logs are sent; standard output has them anyway.</summary>
    public required bool Logs { get; init; }

    /// <summary>OTEL_TRACES_SAMPLER: which requests are traced.</summary>
    public required string Sampler { get; init; }

    /// <summary>OTEL_TRACES_SAMPLER_ARG: the share of requests that some samplers take.</summary>
    public required double SamplerRatio { get; init; }

    /// <summary>OTEL_SERVICE_NAME: what the collector calls this process; null for the program's name.</summary>
    public required string? ServiceName { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static TelemetrySettings Read(SettingsReader reader)
    {
        var endpoint = ReadEndpoint(reader);
        return new()
        {
            Endpoint = endpoint,
            IsHttp = reader.Word(SettingTable.OtlpProtocol) != SettingTable.OtlpProtocol.Default,
            Headers = reader.Text(SettingTable.OtlpHeaders),
            Traces = reader.Word(SettingTable.TracesExporter) == Otlp && endpoint is not null,
            Metrics = reader.Word(SettingTable.MetricsExporter) == Otlp && endpoint is not null,
            Logs = reader.Word(SettingTable.LogsExporter) == Otlp && endpoint is not null,
            Sampler = reader.Word(SettingTable.TracesSampler),
            SamplerRatio = ReadRatio(reader),
            ServiceName = reader.Text(SettingTable.ServiceName),
        };
    }

    /// <summary>Never the headers.</summary>
    public override string ToString() => $"{nameof(TelemetrySettings)} {{ Endpoint = {Endpoint?.Host} }}";

    // The message omits the address, which may hold a password.
    private static Uri? ReadEndpoint(SettingsReader reader) => reader.Text(SettingTable.OtlpEndpoint) switch
    {
        null => null,
        var text when Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) => uri,
        _ => throw new SettingException(SettingTable.OtlpEndpoint, "must be an http or https address."),
    };

    private static double ReadRatio(SettingsReader reader) =>
        double.TryParse(
            reader.Text(SettingTable.TracesSamplerRatio) ?? SettingTable.TracesSamplerRatio.Default, NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1
            ? ratio
            : throw new SettingException(SettingTable.TracesSamplerRatio, "must be a number from 0 to 1.");
}
