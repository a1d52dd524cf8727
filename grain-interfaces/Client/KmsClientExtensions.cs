using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Serialization;

namespace OrleansKms;

/// <summary>Makes a .NET service a client of the cluster.</summary>
public static class KmsClientExtensions
{
    private static readonly TimeSpan _listRefresh = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Adds <see cref="IKmsClient"/> and the Orleans client under it. The host's start waits until the cluster is reached, for
    /// ever if need be; later the connection recovers by itself as silos come and go.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="options">The service's identity and the cluster's location.</param>
    /// <exception cref="ArgumentException">An option is wrong or missing; the message begins with its name.</exception>
    public static IHostApplicationBuilder AddOrleansKmsClient(this IHostApplicationBuilder builder, KmsClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        var database = options.ReadDatabase();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<IKmsClient, KmsClient>();
        return builder.UseOrleansClient(client =>
        {
            client.Services.AddSerializer(serializer => serializer.AddAssembly(typeof(IKeyGrain).Assembly));
            client.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = (options.ServiceId, options.ClusterId));
            client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = options.ResponseTimeout);
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = _listRefresh);
            client.UseConnectionRetryFilter(WaitForCluster);
            FindSilos(client, options, database);
            if (options.MutualTls is { } files)
            {
                client.UseMutualTls(files);
            }
        });
    }

    private static void FindSilos(IClientBuilder client, KmsClientOptions options, string? database)
    {
        if (options.Silos is { } silos)
        {
            client.UseStaticClustering([.. silos]);
            return;
        }

        client.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.ConnectionString) = ("Npgsql", database!));
    }

    private static async Task<bool> WaitForCluster(Exception exception, CancellationToken cancellationToken)
    {
        await Task.Delay(_pause, cancellationToken);
        return true;
    }
}
