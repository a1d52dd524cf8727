using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Who is turned away, and that the silos go on serving everybody else.</summary>
public sealed class RefusalTests(TlsCluster cluster) : IClassFixture<TlsCluster>
{
    public enum Port
    {
        Silo,
        Client,
    }

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task CertificateOfAnotherAuthority_IsRefused(Port port)
    {
        using var others = new Certificates();
        await Refused(port, others.Silo("other"), "comes from no trusted authority");
    }

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task CertificateOfItsOwnAuthority_IsRefused(Port port) =>
        await Refused(port, cluster.Certificates.SelfSign("self", "okms:silo", "okms:client"), "comes from no trusted authority");

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task ExpiredCertificate_IsRefused(Port port) =>
        await Refused(port, Sign("expired", validFrom: TimeSpan.FromDays(-2), validFor: TimeSpan.FromDays(2) - TimeSpan.FromSeconds(1)), "has expired");

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task CertificateNotValidYet_IsRefused(Port port) =>
        await Refused(port, Sign("early", validFrom: TimeSpan.FromHours(1)), "has expired or is not valid yet");

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task NoCertificate_IsRefused(Port port) => await Refused(port, null, "it showed no certificate");

    [Theory]
    [InlineData(Port.Silo, "okms:silo")]
    [InlineData(Port.Client, "okms:silo or okms:gateway or okms:client")]
    public async Task CertificateWithoutARole_IsRefused(Port port, string roles) =>
        await Refused(port, cluster.Certificates.Sign("roleless", uris: ["okms:other"], hosts: ["localhost"]), $"lacks the role {roles}");

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task CertificateForServersOnly_IsRefused(Port port) =>
        await Refused(port, Sign("server-only", usages: [Certificates.ServerUsage]), "is not valid (NotValidForUsage)");

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task CertificateForAnything_IsRefused(Port port) =>
        await Refused(port, Sign("unlimited", usages: []), "lacks the extended key usage clientAuth");

    [Fact]
    public async Task ClientsCertificate_OnTheSiloPort_IsRefused() =>
        await Refused(Port.Silo, cluster.Certificates.Client("service"), "lacks the role okms:silo");

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task Tls12_IsRefused(Port port)
    {
        using var stranger = await Connect(port);
        await stranger.Greet(cluster.Certificates.Files("silo-1"), SslProtocols.Tls12);
        await RefusedWithoutHandshake(stranger, port);
    }

    [Theory]
    [InlineData(Port.Silo, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData(Port.Client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData(Port.Silo, "\u0016\u0003\u0001\u0000\u0005garbage")]
    [InlineData(Port.Client, "\u0016\u0003\u0001\u0000\u0005garbage")]
    public async Task WhatIsNotTls_IsRefused(Port port, string bytes)
    {
        using var stranger = await Connect(port);
        await stranger.Send(Encoding.Latin1.GetBytes(bytes));
        await RefusedWithoutHandshake(stranger, port);
    }

    [Theory]
    [InlineData(Port.Silo)]
    [InlineData(Port.Client)]
    public async Task WhoLeavesAtOnce_IsForgotten(Port port)
    {
        string name;
        using (var stranger = await Connect(port))
        {
            name = stranger.Name;
        }
        await cluster.First.Log.Line("Information", Describe(port), name);
        await NothingIsLeft();
    }

    [Fact]
    public async Task Client_TrustsNoSiloOfAnotherAuthority()
    {
        using var others = new Certificates();
        await StartFails(others.Gateway("gateway"), "comes from no trusted authority");
        await NothingIsLeft();
    }

    [Fact]
    public async Task Client_WhomTheSiloRefuses_IsToldWhatItMayBe()
    {
        using var others = new Certificates();
        var files = others.Gateway("gateway") with { AuthorityFile = cluster.Certificates.Authority };
        await StartFails(files, "may have refused this process's certificate, CN=gateway");
        await NothingIsLeft();
    }

    [Theory]
    [InlineData("okms:client")]
    [InlineData("okms:other")]
    public async Task Server_WithoutTheSilosRole_IsRefusedByAClient(string role)
    {
        var files = cluster.Certificates.Sign("impostor", uris: [role], hosts: ["localhost"]);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var served = Serve(listener, files);
        var failure = await Assert.ThrowsAnyAsync<Exception>(() =>
            TlsHost.StartClient(cluster.Certificates.Files("gateway"), [((IPEndPoint)listener.LocalEndpoint).Port]));
        Assert.Contains("lacks the role okms:silo", failure.ToString(), StringComparison.Ordinal);
        await served.WaitAsync(TlsHost.Patience);
    }

    // Which of the two sides notices first is chance: a client that was about to send hears only that the connection is gone.
    private async Task StartFails(MutualTlsFiles files, string reason)
    {
        for (var attempt = 1; ; attempt++)
        {
            var failure = await Assert.ThrowsAnyAsync<Exception>(() => TlsHost.StartClient(files, [cluster.ClientPort]));
            if (failure.ToString().Contains(reason, StringComparison.Ordinal)) return;
            Assert.True(attempt < 20, failure.ToString());
        }
    }

    private static async Task Serve(TcpListener listener, MutualTlsFiles files)
    {
        using var tcp = await listener.AcceptTcpClientAsync();
        await using var tls = new SslStream(tcp.GetStream());
        using var certificate = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
        try
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                ClientCertificateRequired = true,
#pragma warning disable CA5359 // An impostor takes whoever comes.
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
            });
            Assert.Equal(0, await tls.ReadAsync(new byte[1]));
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // The client went away, as it should.
        }
    }

    private MutualTlsFiles Sign(string name, string[]? usages = null, TimeSpan? validFrom = null, TimeSpan? validFor = null) =>
        cluster.Certificates.Sign(name, ["okms:silo", "okms:client"], usages, validFrom, validFor);

    private async Task Refused(Port port, MutualTlsFiles? files, string reason)
    {
        using var stranger = await Connect(port);
        await stranger.Greet(files);
        await stranger.UntilClosed();
        var line = await cluster.First.Log.Line(stranger.Name, "was refused");
        Assert.StartsWith($"Warning: A connection to the {Describe(port)} from {stranger.Name} was refused: ", line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
        Assert.Single(cluster.First.Log.Lines, l => l.Contains(stranger.Name, StringComparison.Ordinal));
        await NothingIsLeft();
    }

    private async Task RefusedWithoutHandshake(Stranger stranger, Port port)
    {
        await stranger.UntilClosed();
        await cluster.First.Log.Line("Information", $"to the {Describe(port)} from {stranger.Name} made no TLS 1.3 handshake");
        Assert.Single(cluster.First.Log.Lines, l => l.Contains(stranger.Name, StringComparison.Ordinal));
        await NothingIsLeft();
    }

    private async Task NothingIsLeft()
    {
        await cluster.StillServes();
        // The cluster's own client holds the one that stays.
        await cluster.First.Connections.Until(connections => connections.Begun - connections.Ended <= 1);
    }

    private Task<Stranger> Connect(Port port) => Stranger.Connect(port == Port.Silo ? cluster.SiloPort : cluster.ClientPort);

    private static string Describe(Port port) => port == Port.Silo ? "silo port" : "client port";
}
