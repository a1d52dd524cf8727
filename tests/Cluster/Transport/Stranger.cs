using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Somebody who connects to a port without Orleans, and believes every server.</summary>
internal sealed class Stranger : IDisposable
{
    private static int s_strangers;

    private readonly TcpClient _tcp = new(NextAddress());

    private Stranger() => Name = _tcp.Client.LocalEndPoint!.ToString()!;

    private Stream Stream { get; set; } = Stream.Null;

    /// <summary>How the silo's log names this connection, and no other: a port alone comes again, and may be in use towards two ports at once.</summary>
    public string Name { get; }

    public static async Task<Stranger> Connect(int port)
    {
        var stranger = new Stranger();
        try
        {
            await stranger._tcp.ConnectAsync(IPAddress.Loopback, port);
            stranger.Stream = stranger._tcp.GetStream();
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // The silo took the connection and ended it before this side had looked: it is closed, as if it were read to its end.
        }

        return stranger;
    }

    public Task Send(byte[] bytes) => Stream.WriteAsync(bytes).AsTask();

    /// <summary>Begins TLS. In version 1.3 this succeeds for a client that the server refuses, so failure is not looked at here.</summary>
    public async Task Greet(MutualTlsFiles? files, SslProtocols version = SslProtocols.Tls13)
    {
        var tls = new SslStream(Stream);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = version,
#pragma warning disable CA5359 // A stranger cares for nothing.
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        };
        if (files is not null)
        {
            var certificate = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
            options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true);
        }
        try
        {
            await tls.AuthenticateAsClientAsync(options);
            Stream = tls;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            // Refused early; the socket tells the rest.
        }
    }

    /// <summary>Waits until the other side ends the connection, without having said more than a TLS alert.</summary>
    public async Task UntilClosed()
    {
        const byte Alert = 21;
        const int AlertLength = 7;
        try
        {
            var said = new byte[AlertLength + 1];
            var length = await Stream.ReadAtLeastAsync(said, said.Length, throwOnEndOfStream: false).AsTask().WaitAsync(TlsHost.Patience);
            Assert.True(length == 0 || (length == AlertLength && said[0] == Alert), Convert.ToHexString(said));
        }
        catch (IOException)
        {
            // Reset, which is an end too.
        }
    }

    /// <summary>Waits until the other side ends the connection, whatever it says before.</summary>
    public async Task UntilEnded()
    {
        try
        {
            await Stream.CopyToAsync(Stream.Null).WaitAsync(TlsHost.Patience);
        }
        catch (IOException)
        {
            // Reset, which is an end too.
        }
    }

    public void Dispose()
    {
        Stream.Dispose();
        _tcp.Dispose();
    }

    /// <summary>A loopback address that no other stranger of this process has.</summary>
    private static IPEndPoint NextAddress()
    {
        var number = Interlocked.Increment(ref s_strangers);
        return new IPEndPoint(new IPAddress([127, 1, (byte)(number >> 8), (byte)number]), 0);
    }
}
