using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Api;

/// <summary>
/// A service as one stands on a network: HTTPS with client certificates, plain HTTP on loopback, a listener for probes, and few
/// connections. Shared by the tests of sign-in by certificate and of abuse.
/// </summary>
public sealed class TlsApi : Api, IAsyncLifetime, IDisposable
{
    /// <summary>How many connections each listener holds.</summary>
    public const int MaxConnections = 48;

    private readonly TemporaryDirectory _files = new();
    private readonly Certificates _servers = new();
    private readonly List<HttpClient> _clients = [];

    public TlsApi()
        : base()
    {
        _servers.Made("server", "server", "localhost", "127.0.0.1");
        File.Copy(Clients.Authority, AuthorityFile);
    }

    /// <summary>The authority of clients.</summary>
    internal Certificates Clients { get; } = new();

    /// <summary>The authority of the service's own certificate.</summary>
    public string ServerAuthority => _servers.Authority;

    /// <summary>The file that the service reads its clients' authorities from.</summary>
    public string AuthorityFile => _files.Of("clients.pem");

    public int TlsPort { get; } = ServiceProcess.FreePort();

    public int MetricsPort { get; } = ServiceProcess.FreePort();

    public new Task DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        return base.DisposeAsync();
    }

    public void Dispose()
    {
        _files.Dispose();
        _servers.Dispose();
        Clients.Dispose();
    }

    private protected override async Task<ServiceProcess> Start(string directory, (string, string?)[] environment)
    {
        var port = ServiceProcess.FreePort();
        var server = _servers.Files("server");
        var service = ServiceProcess.Launch(
            directory, port,
            ("OKMS_CLIENT_CA_FILE", AuthorityFile),
            ("OKMS_MAX_CONNECTIONS", MaxConnections.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("OKMS_METRICS_PORT", MetricsPort.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("OKMS_REQUEST_TIMEOUT", "PT20S"),
            ("Kestrel__Endpoints__Http__Url", $"http://127.0.0.1:{port}"),
            ("Kestrel__Endpoints__Https__Url", $"https://127.0.0.1:{TlsPort}"),
            ("Kestrel__Endpoints__Https__Certificate__Path", server.CertificateFile),
            ("Kestrel__Endpoints__Https__Certificate__KeyPath", server.KeyFile));
        await service.UntilHealthy();
        service.SignIn(service.Token);
        return service;
    }

    /// <summary>A client over TLS that shows a certificate, or none.</summary>
    /// <param name="files">The certificate.</param>
    /// <param name="version">Of HTTP.</param>
    /// <param name="from">The address that it calls from.</param>
    /// <param name="connections">How many it holds; with one, a test knows which one is asked.</param>
    public HttpClient Client(MutualTlsFiles? files, Version? version = null, string from = "127.0.0.1", int connections = 1)
    {
        var tls = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null };
        if (files is not null)
        {
            var certificate = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        }

        var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = tls,
            MaxConnectionsPerServer = connections,
            ConnectCallback = async (_, cancellation) => new NetworkStream(await ConnectFrom(from, TlsPort, cancellation), ownsSocket: true),
        })
        {
            BaseAddress = new Uri($"https://127.0.0.1:{TlsPort}"),
            Timeout = ServiceProcess.Patience,
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        lock (_clients) _clients.Add(client);
        return client;
    }

    /// <summary>A client from an address of its own, so that its failures are nobody else's.</summary>
    public HttpClient ClientFrom(string address, int connections = 8) => new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = connections,
        ConnectCallback = async (_, cancellation) => new NetworkStream(await ConnectFrom(address, Port, cancellation), ownsSocket: true),
    })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{Port}"),
        Timeout = ServiceProcess.Patience,
    };

    public static async Task<Socket> ConnectFrom(string address, int port, CancellationToken cancellation = default)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
        return socket;
    }

    /// <summary>Asks something, with a token if there is one.</summary>
    public static Task<Answer> Ask(HttpClient client, string path, object? body = null, string? token = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path)
        {
            Content = body is null ? null : System.Net.Http.Json.JsonContent.Create(body),
        };
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return Send(client, request);
    }
}

[CollectionDefinition(Name)]
public sealed class TlsApiCollection : ICollectionFixture<TlsApi>
{
    public const string Name = "tls";
}
