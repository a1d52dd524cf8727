using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansKms.Tests.Api;

/// <summary>Requests that no well-behaved client would send, byte by byte.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly TcpClient _client = new();
    private NetworkStream? _stream;

    public static async Task<RawHttp> Connect(int port)
    {
        var raw = new RawHttp();
        await raw._client.ConnectAsync(IPAddress.Loopback, port);
        raw._stream = raw._client.GetStream();
        return raw;
    }

    public Task Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public async Task Send(byte[] bytes) => await _stream!.WriteAsync(bytes);

    /// <summary>Reads until the service closes the connection.</summary>
    public async Task<string> ReadToEnd()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var answer = new MemoryStream();
        try
        {
            await _stream!.CopyToAsync(answer, patience.Token);
        }
        catch (IOException)
        {
            // Reset after the answer, because the request was not read to its end.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _client.Dispose();
    }
}
