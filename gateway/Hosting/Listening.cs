using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Where the HTTP interface listens.</summary>
internal static class Listening
{
    private const string KestrelEndpoints = "Kestrel:Endpoints";

    /// <summary>
    /// Listens where PORT and OKMS_BIND_ADDRESS say; or, for TLS, where Kestrel's own settings (<c>Kestrel:Endpoints</c>) say.
    /// </summary>
    public static void ListenOn(this WebApplicationBuilder builder, HttpSettings settings)
    {
        // Only our own settings decide where to listen: the platform's images set this one to all addresses.
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, "");
        builder.WebHost.UseSetting(WebHostDefaults.HttpPortsKey, "");
        builder.WebHost.UseSetting(WebHostDefaults.HttpsPortsKey, "");
        builder.WebHost.UseKestrelHttpsConfiguration();
        ClientCertificates.Check(builder.Configuration, settings);
        RefuseForwardedAddresses(builder.Configuration);
        builder.ListenForMetrics(settings);
        if (builder.Configuration.GetSection(KestrelEndpoints).GetChildren().Any())
        {
            builder.Services.RefuseWrongEndpoints();
            return;
        }

        if (settings.MetricsPort == settings.Port) throw new SettingException(SettingTable.MetricsPort, "must be another port than PORT.");
        var addresses = AddressesOf(settings.BindAddress).ToList();
        // The web server comes last in a start; a port in use should not bring everything else up and down first.
        foreach (var address in addresses) Ports.RefuseUnlessFree(new IPEndPoint(address, settings.Port), SettingTable.Port, SettingTable.BindAddress);
        builder.WebHost.ConfigureKestrel(kestrel => addresses.ForEach(address => kestrel.Listen(address, settings.Port)));
    }

    /// <summary>
    /// Refuses the platform's switch by which any client's <c>X-Forwarded-For</c> counts as the address that it calls from: policies,
    /// the audit trail and the count of failed sign-ins rely on that.
    /// </summary>
    private static void RefuseForwardedAddresses(ConfigurationManager configuration)
    {
        const string Forwarded = "FORWARDEDHEADERS_ENABLED";
        if (string.Equals(configuration[Forwarded], "true", StringComparison.OrdinalIgnoreCase))
        {
            throw new SettingException("ASPNETCORE_" + Forwarded, "lets any client say where it calls from: remove it.");
        }
    }

    /// <summary>The addresses that are listened on, for the log.</summary>
    public static string Describe(WebApplication app) =>
        string.Join(", ", app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? []);

    /// <summary>The addresses that a setting stands for.</summary>
    public static IEnumerable<IPAddress> AddressesOf(BindAddress bind)
    {
        if (bind.Address is { } address)
        {
            // "All" without IPv6 in the kernel is all of IPv4.
            yield return address.Equals(IPAddress.IPv6Any) && !Socket.OSSupportsIPv6 ? IPAddress.Any : address;
            yield break;
        }
        yield return IPAddress.Loopback;
        if (HasLoopbackIPv6()) yield return IPAddress.IPv6Loopback;
    }

    /// <summary>Whether ::1 exists: the kernel may know IPv6 without having an address.</summary>
    private static bool HasLoopbackIPv6()
    {
        if (!Socket.OSSupportsIPv6) return false;
        try
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
