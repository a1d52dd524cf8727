using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// A connection that sends one POST after another and blocks until each is answered: a loader must take less CPU than what it loads.
/// </summary>
internal sealed class HttpSocket : IDisposable
{
    private static string? _firstFailure;

    private readonly Socket _socket;
    private readonly byte[] _answer;
    private int _length;

    /// <summary>Connects.</summary>
    /// <param name="server">The server.</param>
    /// <param name="room">The maximum length of an answer.</param>
    public HttpSocket(IPEndPoint server, int room = 64 * 1024)
    {
        _answer = new byte[room];
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 60_000 };
        _socket.Connect(server);
    }

    /// <summary>What the first request that failed was told; null while none has failed.</summary>
    public static string? FirstFailure => _firstFailure?.TrimEnd('\0').ReplaceLineEndings(" ");

    /// <summary>The last answer, head and body.</summary>
    public ReadOnlySpan<byte> Answer => _answer.AsSpan(0, _length);

    /// <summary>A request.</summary>
    public static byte[] Post(Uri url, string path, string token, ReadOnlySpan<byte> body) => Request("POST", url, path, token, body);

    /// <summary>A request without a body.</summary>
    public static byte[] Get(Uri url, string path, string token) => Request("GET", url, path, token, default);

    /// <summary>Sends one request and reads its answer, which has a length.</summary>
    /// <returns>Whether it was a good one.</returns>
    public bool Ask(byte[] request)
    {
        try
        {
            _socket.Send(request);
            _length = 0;
            for (var wanted = int.MaxValue; _length < wanted;)
            {
                var read = _socket.Receive(_answer, _length, _answer.Length - _length, SocketFlags.None);
                if (read == 0) return Failed("The connection was closed.");
                _length += read;
                var end = Answer.IndexOf("\r\n\r\n"u8);
                if (wanted == int.MaxValue && end >= 0) wanted = end + 4 + ContentLength(_answer.AsSpan(0, end));
            }

            return Answer.StartsWith("HTTP/1.1 20"u8) || Failed(Encoding.UTF8.GetString(Answer[..Math.Min(1024, _length)]));
        }
        catch (SocketException e)
        {
            return Failed(e.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static byte[] Request(string method, Uri url, string path, string token, ReadOnlySpan<byte> body) =>
    [
        .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{method} {path} HTTP/1.1\r\nHost: {url.Authority}\r\nAuthorization: Bearer {token}\r\n{(body.IsEmpty ? "" : $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n")}\r\n")),
        .. body,
    ];

    private static bool Failed(string why)
    {
        Interlocked.CompareExchange(ref _firstFailure, why, null);
        return false;
    }

    private static int ContentLength(ReadOnlySpan<byte> head)
    {
        var rest = head[(head.IndexOf("Content-Length: "u8) + "Content-Length: ".Length)..];
        return System.Buffers.Text.Utf8Parser.TryParse(rest, out int length, out _) ? length : throw new InvalidOperationException("An answer has no length.");
    }
}
