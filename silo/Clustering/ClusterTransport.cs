using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Clustering;

/// <summary>How the connections of a cluster's silo are protected.</summary>
internal static class ClusterTransport
{
    /// <summary>Protects the silo's connections as the operator decided.</summary>
    /// <exception cref="SettingException">The operator decided nothing.</exception>
    public static ISiloBuilder UseTransport(this ISiloBuilder silo, TransportSettings transport)
    {
        transport.RequireDecision();
        return transport.MutualTls is { } files ? silo.UseMutualTls(files) : silo.UseNoTls();
    }
}
