using System.IO.Pipelines;
using System.Net;

namespace OrleansKms.Transport;

/// <summary>Stands between a port's peers and Orleans.</summary>
internal interface IPortGuard
{
    /// <summary>A peer has connected, about which nothing is known yet.</summary>
    /// <param name="remote">Its address.</param>
    /// <returns>Disposed when the handshake is over; null to close the connection at once.</returns>
    IDisposable? TryGreet(EndPoint? remote);

    /// <summary>A peer has shown a good certificate.</summary>
    /// <param name="transport">The connection, in the clear.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="remote">Its address.</param>
    /// <returns>What Orleans may see of the connection, disposed when the connection is over; null to close it at once.</returns>
    IGuardedPipe? TryAdmit(IDuplexPipe transport, ConnectedPeer peer, EndPoint? remote);
}

/// <summary>What Orleans may see of a connection.</summary>
internal interface IGuardedPipe : IDuplexPipe, IDisposable;
