using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>A port of this machine that leads to Postgres, from when this is made until it is disposed.</summary>
internal sealed class PortForwarder : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly TcpListener _listener;
    private readonly NpgsqlConnectionStringBuilder _to;
    private readonly Task _accepting;

    public PortForwarder(int port, string connectionString)
    {
        _to = new NpgsqlConnectionStringBuilder(connectionString);
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _accepting = Accept();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        await _accepting;
        _ending.Dispose();
    }

    private async Task Accept()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(Forward(await _listener.AcceptTcpClientAsync(_ending.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task Forward(TcpClient from)
    {
        using var to = new TcpClient();
        using (from)
        {
            try
            {
                await to.ConnectAsync(_to.Host!, _to.Port, _ending.Token);
                await Task.WhenAny(
                    from.GetStream().CopyToAsync(to.GetStream(), _ending.Token), to.GetStream().CopyToAsync(from.GetStream(), _ending.Token));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // Either side has gone, or the test is over: the other side sees it by the close.
            }
        }
    }
}
