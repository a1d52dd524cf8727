using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace OrleansKms.Transport;

/// <summary>
/// Puts TLS between Orleans and its sockets: for each connection a handshake, then pipes of plaintext in place of the
/// connection's own. Both sides show certificates, and a refused peer never reaches Orleans.
/// </summary>
internal sealed partial class TlsConnections(TlsIdentitySource identities, TimeProvider clock, ILogger logger)
{
    /// <summary>How long a handshake may take, so that a silent peer is dropped.</summary>
    private static readonly TimeSpan _handshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How long an expired connection may take to end by itself.</summary>
    private static readonly TimeSpan _goodbyeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The fraction of its maximum age by which a connection may end earlier.</summary>
    private const double Jitter = 0.1;

    private static readonly string _tooLate = FormattableString.Invariant($"no TLS handshake within {_handshakeTimeout.TotalSeconds} s");

    /// <summary>Requires TLS from every peer.</summary>
    /// <param name="builder">A listener's connections.</param>
    /// <param name="port">What the port is for, for the log.</param>
    /// <param name="peers">The roles that may connect.</param>
    /// <param name="findGuard">Finds what stands between peers and Orleans; null where Orleans gets everything.</param>
    public void Answer(
        IConnectionBuilder builder, string port, CertificateRole peers, Func<IPortGuard>? findGuard = null) => builder.Use(next => async context =>
    {
        var guard = findGuard?.Invoke();
        using var greeting = guard?.TryGreet(context.RemoteEndPoint);
        if (guard is not null && greeting is null) return;
        var pipes = new PipeStream(context.Transport);
        await using var tls = new SslStream(pipes, leaveInnerStreamOpen: true);
        var peer = new PeerCheck(peers, PeerCheck.ClientAuthentication);
        var identity = identities.Current;
        var failure = await FailureOf(limit => tls.AuthenticateAsServerAsync(identity.ToAnswer(peer), limit), peer);
        greeting?.Dispose();
        if (failure is null)
        {
            await Serve(context, tls, next, guard);
        }
        else if (peer.Refusal is not null)
        {
            PeerRefused(logger, port, context.RemoteEndPoint, failure.Message);
        }
        else
        {
            HandshakeFailed(logger, port, context.RemoteEndPoint, failure.Message);
        }
    });

    /// <summary>Connects by TLS, and only to silos.</summary>
    /// <param name="builder">Connections that this process makes.</param>
    public void Connect(IConnectionBuilder builder) => builder.Use(next => async context =>
    {
        var pipes = new PipeStream(context.Transport);
        await using var tls = new SslStream(pipes, leaveInnerStreamOpen: true);
        var peer = new PeerCheck(CertificateRole.Silo, PeerCheck.ServerAuthentication);
        var identity = identities.Current;
        var options = identity.ToConnect(peer, HostOf(context.RemoteEndPoint));
        if (await FailureOf(limit => tls.AuthenticateAsClientAsync(options, limit), peer) is { } failure)
        {
            // Thrown and not logged: the code that requested the connection logs it.
            throw new AuthenticationException($"TLS with {context.RemoteEndPoint} failed: {failure.Message}", failure);
        }
        pipes.ExplainEndBeforeAnswer(
            $"{context.RemoteEndPoint} closed the connection right after the TLS handshake. "
            + $"It may have refused this process's certificate, {identity.Subject}; its log says why.");
        await Serve(context, tls, next, null);
    });

    private async Task Serve(ConnectionContext context, SslStream tls, ConnectionDelegate next, IPortGuard? guard)
    {
        var raw = context.Transport;
        var plain = new TlsPipes(tls);
        var peer = ConnectedPeer.Of((X509Certificate2)tls.RemoteCertificate!);
        using var admitted = guard?.TryAdmit(plain, peer, context.RemoteEndPoint);
        if (guard is not null && admitted is null) return;
        context.Transport = admitted ?? (IDuplexPipe)plain;
        await using var end = EndInTime(context, raw, peer);
        try
        {
            await next(context);
        }
        finally
        {
            await plain.Input.CompleteAsync();
            await plain.Output.CompleteAsync();
            // Orleans disposes the connection after this, and the connection completes the pipes that it finds here.
            context.Transport = raw;
        }
    }

    /// <summary>
    /// Ends a connection when the other side's certificate expires, or when it reaches its maximum age, so that neither expiry
    /// nor a new authority waits for a restart. Orleans then stops reading, sends what is pending, and reconnects, which delivers
    /// the answers still due.
    /// </summary>
    private ITimer EndInTime(ConnectionContext context, IDuplexPipe raw, ConnectedPeer peer)
    {
        // Spread out, though they were made together.
        var age = identities.MaxConnectionAge * (1 - (Random.Shared.NextDouble() * Jitter));
        var left = peer.NotAfter - clock.GetUtcNow();
        var due = left < age ? left : age;
        var asked = false;
        return clock.CreateTimer(_ =>
        {
            if (asked)
            {
                context.Abort(new ConnectionAbortedException("The connection's time is over."));
                return;
            }
            asked = true;
            ConnectionEnds(
                logger, peer.Name, context.RemoteEndPoint, left < age ? "the certificate's expiry" : "the maximum age");
            raw.Input.CancelPendingRead();
        }, null, due > TimeSpan.Zero ? due : TimeSpan.Zero, _goodbyeTimeout);
    }

    /// <summary>Runs a handshake.</summary>
    /// <returns>Null if it succeeded, otherwise an exception whose message says in one line why not.</returns>
    private async Task<Exception?> FailureOf(Func<CancellationToken, Task> handshake, PeerCheck peer)
    {
        using var limit = new CancellationTokenSource(_handshakeTimeout, clock);
        try
        {
            await handshake(limit.Token);
            return null;
        }
        catch (Exception e)
        {
            // Anything that a stranger's bytes provoke is the stranger's failure, not this process's.
            var reason = peer.Refusal ?? (limit.IsCancellationRequested ? _tooLate : e.GetBaseException().Message);
            return new AuthenticationException(reason.ReplaceLineEndings(" "), e);
        }
    }

    private static string HostOf(EndPoint? endPoint) => endPoint switch
    {
        IPEndPoint ip => ip.Address.ToString(),
        DnsEndPoint dns => dns.Host,
        _ => endPoint?.ToString() ?? "",
    };

    [LoggerMessage(LogLevel.Warning, "A connection to the {Port} port from {Remote} was refused: {Reason}.")]
    private static partial void PeerRefused(ILogger logger, string port, EndPoint? remote, string reason);

    [LoggerMessage(LogLevel.Information, "The connection with {Certificate} at {Remote} ends: it has reached {Bound}; the next "
        + "one shows certificates again.")]
    private static partial void ConnectionEnds(ILogger logger, string certificate, EndPoint? remote, string bound);

    [LoggerMessage(LogLevel.Information, "A connection to the {Port} port from {Remote} made no TLS 1.3 handshake: {Reason}")]
    private static partial void HandshakeFailed(ILogger logger, string port, EndPoint? remote, string reason);
}
