using System.Net;
using System.Net.Sockets;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Stands between a client and a silo, and can cut them off from each other.</summary>
internal sealed class Relay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly List<TcpClient> _ends = [];

    public Relay(int target)
    {
        _target = target;
        _listener.Start();
        _ = Accept();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Ends what goes through it now, in the middle of whatever is said, as a failing network would.</summary>
    public void Cut()
    {
        lock (_ends)
        {
            foreach (var end in _ends)
            {
                end.LingerState = new LingerOption(true, 0);
                end.Dispose();
            }
            _ends.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Cut();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync();
                var far = new TcpClient();
                await far.ConnectAsync(IPAddress.Loopback, _target);
                lock (_ends) _ends.AddRange([near, far]);
                _ = Pass(near, far);
                _ = Pass(far, near);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task Pass(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream());
            to.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut.
        }
    }
}
