using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Hosting;

/// <summary>A listener for monitoring. The front door decides what it serves.</summary>
internal static class MetricsListener
{
    /// <summary>Listens where OKMS_METRICS_PORT and OKMS_METRICS_BIND_ADDRESS say, if they do; plain HTTP, whatever the other listeners are.</summary>
    public static void ListenForMetrics(this WebApplicationBuilder builder, HttpSettings settings)
    {
        if (settings.MetricsPort is not { } port) return;
        foreach (var address in Listening.AddressesOf(settings.MetricsBindAddress))
        {
            Ports.RefuseUnlessFree(new IPEndPoint(address, port), SettingTable.MetricsPort, SettingTable.MetricsBindAddress);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address, port, Mark));
        }
    }

    // Ports can be shared by listeners on different addresses, so a connection carries the listener that it came in by.
    private static void Mark(ListenOptions listener) => listener.Use(next => connection =>
    {
        connection.Features.Set(MetricsConnection.Instance);
        return next(connection);
    });
}
