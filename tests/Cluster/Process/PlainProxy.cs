using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>
/// Stands between a client and Postgres, answers that there is no encryption, and writes down what it then hears: what anybody on
/// the way can do. It is reached by this machine's name, of which nobody can know that it leads here.
/// </summary>
internal sealed class PlainProxy : IAsyncDisposable
{
    private const int SslRequest = 80877103;
    private const int GssRequest = 80877104;
    private const int RequestLength = 8;

    private readonly CancellationTokenSource _ending = new();
    private readonly TcpListener _listener = new(IPAddress.Any, 0);
    private readonly NpgsqlConnectionStringBuilder _to = new(Postgres.ConnectionString);
    private readonly StringBuilder _heard = new();
    private readonly Task _accepting;
    private int _connections;

    public PlainProxy()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = Accept();
    }

    public int Port { get; }

    /// <summary>How many connections it was asked for.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Everything that it was told but requests for encryption.</summary>
    public string Heard
    {
        get
        {
            lock (_heard) return _heard.ToString();
        }
    }

    /// <summary>The address of a database behind it.</summary>
    public string Url(string database, string query) =>
        Postgres.Url(new NpgsqlConnectionStringBuilder(database) { Host = Dns.GetHostName() }.ConnectionString, port: Port) + query;

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
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_ending.Token);
                Interlocked.Increment(ref _connections);
                connections.Add(Serve(client));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task Serve(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                var (near, first) = (client.GetStream(), new byte[RequestLength]);
                await near.ReadExactlyAsync(first, _ending.Token);
                while (BinaryPrimitives.ReadInt32BigEndian(first.AsSpan(4)) is SslRequest or GssRequest)
                {
                    await near.WriteAsync("N"u8.ToArray(), _ending.Token);
                    await near.ReadExactlyAsync(first, _ending.Token);
                }

                await server.ConnectAsync(_to.Host!, _to.Port, _ending.Token);
                await Task.WhenAny(Listen(first, near, server.GetStream()), server.GetStream().CopyToAsync(near, _ending.Token));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // Either side has gone, or the test is over.
            }
        }
    }

    private async Task Listen(byte[] first, NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[8192];
        first.CopyTo(buffer, 0);
        for (var count = first.Length; count > 0; count = await from.ReadAsync(buffer, _ending.Token))
        {
            lock (_heard) _heard.Append(Encoding.Latin1.GetString(buffer, 0, count));
            await to.WriteAsync(buffer.AsMemory(0, count), _ending.Token);
        }
    }
}
