using System.Net.Sockets;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>HTTP over a Unix socket.</summary>
internal static class UnixSocket
{
    /// <summary>Connects to the socket, whatever the address of a request says.</summary>
    public static SocketsHttpHandler Handler(string path) => new()
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };
}
