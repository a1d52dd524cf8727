using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Clustering;

/// <summary>Where a silo is reached, and where it listens.</summary>
/// <param name="Advertised">The address announced to others.</param>
/// <param name="Bind">The address that the ports listen on.</param>
internal sealed record MemberAddress(IPAddress Advertised, IPAddress Bind)
{
    /// <summary>Finds both.</summary>
    /// <param name="settings">What the operator set.</param>
    /// <param name="isInsecure">
    /// Whether anyone who reaches the ports gets in: they then stay on loopback unless set otherwise.
    /// </param>
    /// <exception cref="SettingException">The name cannot be resolved.</exception>
    public static MemberAddress Of(MemberSettings settings, bool isInsecure)
    {
        var advertised = settings.AdvertisedAddress is { } name ? Resolve(name)
            : isInsecure ? IPAddress.Loopback
            : OfThisMachine() ?? IPAddress.Loopback;
        var bind = settings.BindAddress ?? advertised;
        return new(advertised, bind.Equals(IPAddress.IPv6Any) && !Socket.OSSupportsIPv6 ? IPAddress.Any : bind);
    }

    private static IPAddress Resolve(string name)
    {
        if (IPAddress.TryParse(name, out var literal)) return literal;
        try
        {
            var addresses = Dns.GetHostAddresses(name);
            return Array.Find(addresses, IsIPv4) ?? addresses.FirstOrDefault()
                ?? throw new SettingException(SettingTable.AdvertisedAddress, $"names a host without an address: {name}");
        }
        catch (SocketException e)
        {
            throw new SettingException(SettingTable.AdvertisedAddress, $"names a host that cannot be resolved ({e.Message}): {name}");
        }
    }

    /// <summary>The first IPv4 address of the interfaces in their order, except loopback and link-local ones.</summary>
    private static IPAddress? OfThisMachine() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
        .SelectMany(network => network.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address)
        .FirstOrDefault(address => IsIPv4(address) && !IPAddress.IsLoopback(address) && !IsLinkLocal(address));

    private static bool IsIPv4(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork;

    private static bool IsLinkLocal(IPAddress address) => address.GetAddressBytes() is [169, 254, ..];
}
