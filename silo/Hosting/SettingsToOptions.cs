using Orleans.Configuration;
using OrleansKms.Configuration;
using OrleansKms.Files;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Root;
using OrleansKms.Silo.Configuration;
using GatewayOptions = OrleansKms.Gateway.Configuration.GatewayOptions;

namespace OrleansKms.Silo.Hosting;

/// <summary>Gives each part its own settings.</summary>
internal static class SettingsToOptions
{
    /// <summary>
    /// Creates the directory of everything that a silo keeps on its own disk, or closes an existing one to group and others.
    /// </summary>
    /// <exception cref="SettingException">It cannot be created or used.</exception>
    public static void PrepareDataDirectory(this Settings settings)
    {
        try
        {
            PrivateFile.PrepareDirectory(settings.DataDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException(
                SettingTable.DataDirectory, $"names a directory that cannot be used: {settings.DataDirectory}: {e.Message}");
        }
    }

    /// <summary>The options of the storage.</summary>
    public static KmsStorageOptions ToStorageOptions(this Settings settings) => new()
    {
        DataDirectory = settings.DataDirectory,
        RootKeyFile = settings.RootKeyFile,
        ConnectionString = settings.Cluster.ConnectionString,
        ResealRate = settings.ResealRate,
        StartTimeout = settings.StartTimeout,
        Fence = new() { Interval = settings.FenceInterval, Grace = settings.FenceGrace },
        Hsm = settings.Hsm,
    };

    /// <summary>The options of the key grains.</summary>
    public static KeyOptions ToKeyOptions(this Settings settings) => new()
    {
        MaxPlaintextBytes = settings.Http.MaxPlaintextBytes,
        MinDeletionDelay = settings.MinDeletionDelay,
    };

    /// <summary>The options of the gateway.</summary>
    /// <param name="settings">What the operator set.</param>
    /// <param name="token">The administrator's token; null where the cluster knows who may sign in.</param>
    /// <param name="metricsToken">The token for metrics, unless the settings name another.</param>
    public static GatewayOptions ToGatewayOptions(this Settings settings, TokenFile? token, TokenFile? metricsToken) => new()
    {
        AdministratorTokenSha256 = token?.Sha256,
        MaxPlaintextBytes = settings.Http.MaxPlaintextBytes,
        RequestTimeout = settings.Http.RequestTimeout,
        RateLimitPerSecond = settings.Http.RateLimit,
        RateLimitBurst = settings.Http.RateLimitBurst,
        DrainDelay = settings.Http.DrainDelay,
        MetricsKeyLimit = settings.Http.MetricsKeyLimit,
        MaxBodyBytesInFlight = settings.Http.MaxBodyBytesInFlight,
        MaxConcurrentRequests = settings.Http.MaxConcurrentRequests,
        MaxQueuedRequests = settings.Http.MaxQueuedRequests,
        OverloadDelay = settings.Http.OverloadDelay,
        MaxConnections = settings.Http.MaxConnections,
        MetricsTokenFile = settings.Http.MetricsTokenFile ?? metricsToken?.Path,
        MetricsListener = settings.Http.MetricsPort is not null,
        JwtIssuers = settings.Http.JwtIssuers,
        ClientAuthorityFile = settings.Http.ClientAuthorityFile,
        Console = settings.Gateway && settings.Http.Console,
    };

    /// <summary>Tells the grains the administrator; without a token they ask the cluster.</summary>
    public static ISiloBuilder AddAdministrator(this ISiloBuilder silo, TokenFile? token)
    {
        if (token is not null) silo.Services.AddSingleton(new OwnAdministrator(token.Sha256));
        return silo;
    }

    /// <summary>No grain has more calls before it than it can see to, also from clients that pass by the gateways.</summary>
    public static ISiloBuilder BoundQueues(this ISiloBuilder silo, Settings settings) => silo.Configure<SiloMessagingOptions>(options =>
    {
        options.MaxEnqueuedRequestsHardLimit = settings.MaxQueuedCalls;
        options.MaxEnqueuedRequestsHardLimit_StatelessWorker = settings.MaxQueuedCalls;
    });

    /// <summary>
    /// Makes the calls of grains part of the trace of whoever makes them, where traces are sent. Elsewhere there is no filter: it would run for
    /// every call.
    /// </summary>
    public static ISiloBuilder PropagateTraces(this ISiloBuilder silo, Settings settings) =>
        settings.Telemetry.Traces ? silo.AddActivityPropagation() : silo;

    /// <summary>No call waits longer than a request may, and no unused key stays longer than the operator wants.</summary>
    public static ISiloBuilder UseTimeouts(this ISiloBuilder silo, Settings settings)
    {
        silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = settings.Http.RequestTimeout);
        silo.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = settings.Http.RequestTimeout);
        return silo.Configure<GrainCollectionOptions>(options =>
        {
            options.CollectionAge = settings.KeyIdleTime;

            // Each key that leaves writes its counters, and whoever wakes one up waits for those of a quantum: so few at a time.
            options.CollectionQuantum = TimeSpan.FromSeconds(1);
        });
    }
}
