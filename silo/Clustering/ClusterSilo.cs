using System.Net;
using Orleans.Configuration;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Gateway.Observability;
using OrleansKms.Grains.Hosting;
using OrleansKms.Silo.Clustering.Admission;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Clustering;

/// <summary>A silo among others, which find each other in their database.</summary>
internal static class ClusterSilo
{
    /// <summary>How often a silo reads who the members are, in case the others' own news did not reach it.</summary>
    private static readonly TimeSpan TableRefresh = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a silo writes its heartbeat. After three of them without one, a new silo no longer waits for an answer of one that
    /// stands in the table, so a cluster that died as a whole comes back after that time.
    /// </summary>
    private static readonly TimeSpan IAmAlive = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many keys of other silos a silo remembers the place of. One that it has forgotten costs a further hop, to the silo that
    /// keeps the directory's part. Those used last stay; so the number is that of the keys that callers of one silo use within
    /// minutes, and three times what 768 MiB have room for as active keys. Orleans makes two such caches and sets their tables aside
    /// at once: 9 MB each at its own default of a million, 0.9 at this.
    /// </summary>
    private const int DirectoryCacheSize = 100_000;

    /// <summary>Makes the silo a member of the cluster that shares its database.</summary>
    public static ISiloBuilder UseClusterSilo(this ISiloBuilder silo, Settings settings)
    {
        silo.UseTransport(settings.Cluster.Transport);
        silo.Configure<ClientPortOptions>(port => port.MaxConnections = settings.Member.MaxClientConnections);
        silo.Configure<ClusterOptions>(cluster =>
        {
            cluster.ServiceId = settings.Cluster.ServiceId;
            cluster.ClusterId = settings.Cluster.ClusterId;
        });
        Listen(silo, settings);
        silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = DirectoryCacheSize);
        silo.UseKmsMembership();
        silo.Configure<ClusterMembershipOptions>(membership => Detect(membership, settings.Member));
        silo.UseEvenPlacement();
        silo.Services.AddSingleton<IClusterMembership, OwnMembership>();
        silo.Services.AddHostedService<MembershipMessages>();
        return silo;
    }

    private static void Listen(ISiloBuilder silo, Settings settings)
    {
        var member = settings.Member;
        var address = MemberAddress.Of(member, settings.Cluster.Transport.Insecure);
        var (siloEndPoint, clientEndPoint) = (new IPEndPoint(address.Bind, member.SiloPort), new IPEndPoint(address.Bind, member.ClientPort));
        var addressSetting = member.BindAddress is null ? SettingTable.AdvertisedAddress : SettingTable.ClusterBindAddress;
        Ports.RefuseUnlessFree(siloEndPoint, SettingTable.SiloPort, addressSetting);
        Ports.RefuseUnlessFree(clientEndPoint, SettingTable.ClientPort, addressSetting);
        silo.Configure<EndpointOptions>(endpoints =>
        {
            endpoints.AdvertisedIPAddress = address.Advertised;
            endpoints.SiloPort = member.SiloPort;
            endpoints.GatewayPort = member.ClientPort;
            endpoints.SiloListeningEndpoint = siloEndPoint;
            endpoints.GatewayListeningEndpoint = clientEndPoint;
        });
    }

    // A silo whose connections have lately brought anything is not voted dead, for the longest probe time-out times the number
    // of missed probes: that is most of the time until a frozen one is given up, and the stall that one survives.
    private static void Detect(ClusterMembershipOptions membership, MemberSettings member)
    {
        membership.ProbeTimeout = member.ProbeTimeout;
        membership.MinProbeTimeout = member.ProbeTimeout / 2;
        membership.MaxProbeTimeout = member.ProbeTimeout * 1.5;
        membership.NumMissedProbesLimit = member.MissedProbes;
        membership.TableRefreshTimeout = TableRefresh;
        membership.IAmAliveTablePublishTimeout = IAmAlive;
        membership.DefunctSiloExpiration = TimeSpan.FromDays(1);
        membership.DefunctSiloCleanupPeriod = TimeSpan.FromHours(1);
    }
}
