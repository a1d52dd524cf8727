using Microsoft.AspNetCore.Connections;
using Orleans.Configuration;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Clustering;

/// <summary>A membership of one: a table in memory, and no port open to anyone.</summary>
internal static class SingleSilo
{
    /// <summary>Makes the silo a cluster by itself.</summary>
    public static ISiloBuilder UseSingleSilo(this ISiloBuilder silo, Settings settings)
    {
        // The address only names the silo in its own membership table. No client port.
        silo.UseLocalhostClustering(settings.Member.SiloPort, gatewayPort: 0, serviceId: settings.Cluster.ServiceId, clusterId: settings.Cluster.ClusterId);
        CloseListeners(silo.Services);
        // It has nobody to ask where a grain is.
        silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = 1_000);
        // Should Orleans some day reach a listener by another route, connections are still refused.
        silo.Configure<SiloConnectionOptions>(options =>
        {
            options.ConfigureSiloInboundConnection(Refuse);
            options.ConfigureGatewayInboundConnection(Refuse);
        });
        return silo;
    }

    private static void CloseListeners(IServiceCollection services)
    {
        var listeners = services
            .Where(service => service.IsKeyedService && service.ServiceType == typeof(IConnectionListenerFactory))
            .ToList();
        if (listeners.Count == 0) throw new InvalidOperationException("Internal error: Orleans' ports could not be closed.");
        foreach (var listener in listeners)
        {
            services.Remove(listener);
            services.AddKeyedSingleton(listener.ServiceKey, NoListener.Factory);
        }
    }

    private static void Refuse(IConnectionBuilder builder) => builder.Use(_ => connection =>
    {
        connection.Abort();
        return Task.CompletedTask;
    });
}
