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
    /// <summary>How often a silo reads the membership, in case the others' own news did not reach it.</summary>
    private static readonly TimeSpan TableRefresh = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a silo writes its heartbeat to the membership. After three missing ones, a new silo no longer waits for an
    /// answer from a silo in the table, so a cluster that died as a whole comes back after that time.
    /// </summary>
    private static readonly TimeSpan IAmAlive = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many locations of other silos' keys a silo caches. A miss costs one more hop, to the silo that holds that part of the
    /// directory. Recently used ones stay; so the number is that of the keys that one silo's callers use within minutes, and
    /// three times what fits into 768 MiB as active keys. Orleans makes two such caches and allocates their tables at once: 9 MB
    /// each at its own default of a million, 0.9 MB at this.
    /// </summary>
    private const int DirectoryCacheSize = 100_000;

    /// <summary>Makes the silo a member of the cluster that shares its database.</summary>
    public static ISiloBuilder UseClusterSilo(this ISiloBuilder silo, Settings settings)
    {
        silo.UseTransport(settings.Cluster.Transport);
        silo.Configure<ClientPortOptions>(port =>
            (port.MaxConnections, port.MaxCalls) = (settings.Member.MaxClientConnections, settings.Member.MaxClientCalls));
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

    // A silo whose connections have recently received anything is not voted dead, for the longest probe time-out times the number
    // of missed probes: that is most of the time until a frozen silo is given up, and the stall that a silo survives.
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
