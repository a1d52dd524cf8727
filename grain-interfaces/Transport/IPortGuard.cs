using System.IO.Pipelines;
using System.Net;

namespace OrleansKms.Transport;

/// <summary>Stands between those who connect to a port and Orleans.</summary>
internal interface IPortGuard
{
    /// <summary>Somebody has connected, of whom nothing is known yet.</summary>
    /// <param name="remote">From where.</param>
    /// <returns>What is disposed when the handshake is over; null if the connection is to be closed at once.</returns>
    IDisposable? TryGreet(EndPoint? remote);

    /// <summary>Somebody has shown a good certificate.</summary>
    /// <param name="transport">The connection, in the clear.</param>
    /// <param name="peer">Who it is.</param>
    /// <param name="remote">From where.</param>
    /// <returns>What Orleans may see of it, to be disposed when the connection is over; null if it is to be closed at once.</returns>
    IGuardedPipe? TryAdmit(IDuplexPipe transport, ConnectedPeer peer, EndPoint? remote);
}

/// <summary>What Orleans may see of a connection.</summary>
internal interface IGuardedPipe : IDuplexPipe, IDisposable;
