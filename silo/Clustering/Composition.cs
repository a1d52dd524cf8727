using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Clustering;

/// <summary>The differences between a silo that runs alone and one of a cluster.</summary>
internal static class Composition
{
    /// <summary>Makes the silo a cluster by itself, or a member of one.</summary>
    public static ISiloBuilder UseCluster(this ISiloBuilder silo, Settings settings) =>
        settings.IsAllInOne ? silo.UseSingleSilo(settings) : silo.UseClusterSilo(settings);

    /// <summary>Serves the whole HTTP interface, or only the operators' part.</summary>
    public static void MapRoutes(this WebApplication app, Settings settings) =>
        _ = settings.Gateway ? app.MapKmsGateway() : app.MapKmsOperation();
}
