using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>Everything that an operator of a gateway can set, read and checked before anything is started.</summary>
public sealed record GatewaySettings
{
    /// <summary>What is logged.</summary>
    public required LogSettings Log { get; init; }

    /// <summary>How HTTP is served.</summary>
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

    /// <summary>What the gateway itself needs. Who may sign in, it asks the cluster.</summary>
    internal GatewayOptions ToGatewayOptions() => new()
    {
        MaxPlaintextBytes = Http.MaxPlaintextBytes,
        RequestTimeout = Http.RequestTimeout,
        RateLimitPerSecond = Http.RateLimit,
        RateLimitBurst = Http.RateLimitBurst,
        DrainDelay = Http.DrainDelay,
        RequestLog = Http.RequestLog ? LogLevel.Information : LogLevel.None,
        MetricsKeyLimit = Http.MetricsKeyLimit,
        MaxBodyBytesInFlight = Http.MaxBodyBytesInFlight,
        MaxConcurrentRequests = Http.MaxConcurrentRequests,
        MaxQueuedRequests = Http.MaxQueuedRequests,
        OverloadDelay = Http.OverloadDelay,
        MaxConnections = Http.MaxConnections,
        MetricsTokenFile = Http.MetricsTokenFile,
        MetricsListener = Http.MetricsPort is not null,
    };

    private static GatewaySettings ReadAll(SettingsReader reader)
    {
        reader.RefuseForeign();
        return new GatewaySettings
        {
            Log = LogSettings.Read(reader),
            Http = HttpSettings.Read(reader),
            Cluster = ClusterSettings.Read(reader),
        };
    }
}
