using System.Net;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Configuration;

/// <summary>
/// Where a silo of a cluster is reached, and how soon one that is gone is given up. A silo that runs alone reads none of these.
/// </summary>
public sealed record MemberSettings
{
    /// <summary>
    /// OKMS_ADVERTISED_ADDRESS: the IP address or DNS name at which other silos and Orleans clients reach this one, resolved once
    /// at start. Null for the machine's first address that is not loopback; for loopback if the network is insecure.
    /// </summary>
    public required string? AdvertisedAddress { get; init; }

    /// <summary>
    /// OKMS_CLUSTER_BIND_ADDRESS: the address that the two ports listen on; <see cref="IPAddress.IPv6Any"/> for <c>*</c>, all of
    /// them. Null for the advertised address.
    /// </summary>
    public required IPAddress? BindAddress { get; init; }

    /// <summary>OKMS_SILO_PORT: the silo's port for other silos.</summary>
    public required int SiloPort { get; init; }

    /// <summary>OKMS_CLIENT_PORT: the silo's port for Orleans clients.</summary>
    public required int ClientPort { get; init; }

    /// <summary>
    /// OKMS_MAX_CLIENT_CONNECTIONS: how many connections the client port accepts, and how many more may be in their handshake.
    /// Certificates of role okms:client alone hold three quarters of them at most.
    /// </summary>
    public required int MaxClientConnections { get; init; }

    /// <summary>
    /// OKMS_MAX_CLIENT_CALLS: how many calls from the client port are in flight at once. Certificates of role okms:client alone make
    /// three quarters of them at most.
    /// </summary>
    public required int MaxClientCalls { get; init; }

    /// <summary>
    /// OKMS_PROBE_TIMEOUT: how long a silo waits for another's answer to a probe, and between probes, at first; later between
    /// half of it and one and a half times it, depending on the answers.
    /// </summary>
    public required TimeSpan ProbeTimeout { get; init; }

    /// <summary>
    /// OKMS_MISSED_PROBES: how many probes a silo misses before it is suspected dead. A silo that stalls for longer than the
    /// longest probe time-out times this number is evicted, and shuts down.
    /// </summary>
    public required int MissedProbes { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static MemberSettings Read(SettingsReader reader)
    {
        var settings = new MemberSettings
        {
            AdvertisedAddress = ReadAdvertisedAddress(reader),
            BindAddress = ReadBindAddress(reader),
            SiloPort = reader.Integer(SettingTable.SiloPort),
            ClientPort = reader.Integer(SettingTable.ClientPort),
            MaxClientConnections = reader.Integer(SettingTable.MaxClientConnections),
            MaxClientCalls = reader.Integer(SettingTable.MaxClientCalls),
            ProbeTimeout = reader.Read(SettingTable.ProbeTimeout),
            MissedProbes = reader.Integer(SettingTable.MissedProbes),
        };
        return settings.ClientPort != settings.SiloPort
            ? settings
            : throw new SettingException(SettingTable.ClientPort, $"must be another port than {SettingTable.SiloPort}.");
    }

    private static string? ReadAdvertisedAddress(SettingsReader reader)
    {
        var setting = SettingTable.AdvertisedAddress;
        if (reader.Text(setting) is not { } text) return null;
        if (Uri.CheckHostName(text) == UriHostNameType.Unknown) throw new SettingException(setting, "must be an IP address or a DNS name, without a port.");
        return IPAddress.TryParse(text, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            ? throw new SettingException(setting, "must be one address, at which others reach this silo.")
            : text;
    }

    private static IPAddress? ReadBindAddress(SettingsReader reader) => reader.Text(SettingTable.ClusterBindAddress) switch
    {
        null => null,
        "*" => IPAddress.IPv6Any,
        var text when IPAddress.TryParse(text, out var address) => address,
        _ => throw new SettingException(SettingTable.ClusterBindAddress, "must be an IP address, or * for all addresses."),
    };
}
