using System.Net;
using System.Net.Sockets;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Whether a process can listen where its settings say.</summary>
internal static class Ports
{
    /// <summary>Refuses the start when it cannot; the port may still be taken between this check and listening.</summary>
    /// <param name="endPoint">Where it will listen.</param>
    /// <param name="portSetting">The setting that the port comes from.</param>
    /// <param name="addressSetting">The setting that the address comes from.</param>
    /// <exception cref="SettingException">It cannot listen there; names the setting that is why.</exception>
    public static void RefuseUnlessFree(IPEndPoint endPoint, Setting portSetting, Setting addressSetting)
    {
        try
        {
            using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(endPoint);
        }
        catch (SocketException e)
        {
            throw e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => new SettingException(portSetting, $"is in use by another process: {endPoint}"),
                SocketError.AccessDenied => new SettingException(portSetting, $"may not be opened by this user: {endPoint}"),
                _ => new SettingException(addressSetting, $"is not an address that this machine can listen on: {endPoint}"),
            };
        }
    }
}
