using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Hosting;

/// <summary>Lets silos find each other.</summary>
public static class KmsMembershipExtensions
{
    /// <summary>
    /// Makes the silo a member of the cluster of silos that share its database: through the connections of
    /// <see cref="KmsStorageExtensions.AddKmsStorage"/>, whose schema has the membership tables.
    /// </summary>
    public static ISiloBuilder UseKmsMembership(this ISiloBuilder builder) =>
        builder.UseAdoNetClustering(membership => membership.Configure<Database>((o, database) =>
        {
            o.Invariant = database.Invariant;
            o.DataSource = database.Connections;
        }));
}
