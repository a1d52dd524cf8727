using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>All settings of a gateway, read and checked before anything starts.</summary>
public sealed record GatewaySettings
{
    /// <summary>Logging.</summary>
    public required LogSettings Log { get; init; }

    /// <summary>OTEL_…: where traces, metrics and logs are sent.</summary>
    public required TelemetrySettings Telemetry { get; init; }

    /// <summary>HTTP.</summary>
    public required HttpSettings Http { get; init; }

    /// <summary>The cluster, and the database in which its silos are found.</summary>
    public required ClusterSettings Cluster { get; init; }

    /// <summary>The names of all settings that are read.</summary>
    internal static IReadOnlyCollection<string> Names
    {
        get
        {
            var reader = new SettingsReader(new ConfigurationManager(), SettingTaker.SiloAndGateway);
            ReadAll(reader);
            return reader.Known;
        }
    }

    /// <summary>Reads and checks all settings.</summary>
    /// <param name="configuration">The environment and appsettings.json, merged.</param>
    /// <exception cref="SettingException">A setting is wrong, unknown or missing.</exception>
    public static GatewaySettings Read(IConfiguration configuration)
    {
        var settings = ReadAll(new SettingsReader(configuration, SettingTaker.SiloAndGateway));
        if (settings.Cluster.ConnectionString is null)
        {
            throw new SettingException(SettingTable.DatabaseUrl, "is missing: a gateway finds the silos of its cluster in their database.");
        }

        settings.Cluster.Transport.RequireDecision();
        return settings;
    }

    /// <summary>The gateway's own options. It learns from the cluster who may sign in.</summary>
    internal GatewayOptions ToGatewayOptions() => new()
    {
        MaxPlaintextBytes = Http.MaxPlaintextBytes,
        RequestTimeout = Http.RequestTimeout,
        RateLimitPerSecond = Http.RateLimit,
        RateLimitBurst = Http.RateLimitBurst,
        DrainDelay = Http.DrainDelay,
        MetricsKeyLimit = Http.MetricsKeyLimit,
        MaxBodyBytesInFlight = Http.MaxBodyBytesInFlight,
        MaxConcurrentRequests = Http.MaxConcurrentRequests,
        MaxQueuedRequests = Http.MaxQueuedRequests,
        OverloadDelay = Http.OverloadDelay,
        MaxConnections = Http.MaxConnections,
        MetricsTokenFile = Http.MetricsTokenFile,
        MetricsListener = Http.MetricsPort is not null,
        JwtIssuers = Http.JwtIssuers,
        ClientAuthorityFile = Http.ClientAuthorityFile,
        Console = Http.Console,
    };

    private static GatewaySettings ReadAll(SettingsReader reader)
    {
        reader.RefuseForeign();
        return new GatewaySettings
        {
            Log = LogSettings.Read(reader),
            Telemetry = TelemetrySettings.Read(reader),
            Http = HttpSettings.Read(reader),
            Cluster = ClusterSettings.Read(reader),
        };
    }
}
