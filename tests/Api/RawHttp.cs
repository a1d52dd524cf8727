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
    public Task<string> ReadToEnd() => ReadUntil(_ => false);

    /// <summary>Reads until a text has come, or the service closes the connection.</summary>
    public Task<string> ReadUntil(string text) => ReadUntil(answer => answer.Contains(text, StringComparison.Ordinal));

    private async Task<string> ReadUntil(Func<string, bool> isEnough)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var buffer = new byte[4096];
        var answer = "";
        try
        {
            while (!isEnough(answer) && await _stream!.ReadAsync(buffer, patience.Token) is > 0 and var read)
            {
                answer += Encoding.Latin1.GetString(buffer, 0, read);
            }
        }
        catch (IOException)
        {
            // Reset after the answer, because the request was not read to its end.
        }

        return answer;
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _client.Dispose();
    }
}
