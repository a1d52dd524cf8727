using Orleans.Configuration;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Transport;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Makes a process a client of its cluster.</summary>
internal static class ClusterClientExtensions
{
    /// <summary>How often the list of silos that accept clients is read again.</summary>
    private static readonly TimeSpan _listRefresh = TimeSpan.FromSeconds(5);

    /// <summary>Adds the Orleans client, which finds the silos in their database.</summary>
    public static void UseClusterClient(this WebApplicationBuilder builder, GatewaySettings settings) =>
        builder.UseClusterClient(settings.Http.RequestTimeout, client =>
        {
            client.Configure<ClusterOptions>(cluster =>
            {
                cluster.ServiceId = settings.Cluster.ServiceId;
                cluster.ClusterId = settings.Cluster.ClusterId;
            });
            client.UseAdoNetClustering(database =>
            {
                database.Invariant = "Npgsql";
                database.ConnectionString = settings.Cluster.ConnectionString;
            });
            // Elsewhere there is no filter: it would run for every call.
            if (settings.Telemetry.Traces) client.AddActivityPropagation();
            if (settings.Cluster.Transport.MutualTls is { } files) client.UseMutualTls(files, CertificateRole.Gateway, TimeProvider.System);
        });

    /// <summary>Adds the Orleans client.</summary>
    /// <param name="builder">The host.</param>
    /// <param name="requestTimeout">How long a call of the control plane may take.</param>
    /// <param name="findSilos">Says which cluster it is and how its silos are found.</param>
    public static void UseClusterClient(this WebApplicationBuilder builder, TimeSpan requestTimeout, Action<IClientBuilder> findSilos)
    {
        var services = builder.Services;
        services.AddSingleton<ClusterLink>();
        var own = services.Where(service => service.ServiceType == typeof(IHostedService)).ToHashSet();
        builder.UseOrleansClient(client =>
        {
            client.UseConnectionRetryFilter<WaitForCluster>();
            client.AddOutgoingGrainCallFilter<RepeatedCalls>();
            client.Configure<Orleans.Configuration.GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = _listRefresh);
            client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = requestTimeout);
            client.Services.AddSingleton<IClusterConnectionStatusObserver>(provider => provider.GetRequiredService<ClusterLink>());
            findSilos(client);
        });
        StartInBackground(services, own);
    }

    /// <summary>
    /// Takes the start of the client from the host, which would wait for it, and gives it to <see cref="ClusterConnection"/>.
    /// </summary>
    private static void StartInBackground(IServiceCollection services, HashSet<ServiceDescriptor> own)
    {
        var ofOrleans = services.Where(service => service.ServiceType == typeof(IHostedService) && !own.Contains(service)).ToList();
        if (ofOrleans.Count != 1) throw new InvalidOperationException("Internal error: Orleans starts its client in an unknown "
            + "way.");
        services.Remove(ofOrleans[0]);
        services.AddHostedService<ClusterConnection>();
    }
}
