using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using OrleansKms.Transport;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Stands on the client port between each connection and Orleans, which believes whatever a message says about itself: without
/// it, any client could end silos by false membership news, read and change every part of Orleans, and answer in others' names.
/// </summary>
internal sealed partial class ClientAdmission(
    ClientRights rights, ClientIds ids, ConnectionLimit limit, CallLimit calls, ILocalSiloDetails silo, TimeProvider clock, ILogger logger) : IPortGuard
{
    /// <summary>A client that persists gets one log line in this time, with a count.</summary>
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public IDisposable? TryGreet(EndPoint? remote) => limit.TryGreet(remote);

    /// <summary>Admits what a client sends according to its certificate. When it ends, its id becomes free for another.</summary>
    public IGuardedPipe? TryAdmit(IDuplexPipe transport, ConnectedPeer peer, EndPoint? remote)
    {
        if (limit.TryHold(peer, remote) is not { } place) return null;
        var name = new ClientName(ids, peer);
        var places = calls.Begin(isService: peer.Roles == CertificateRole.Client);
        var frames = new ClientFrames(rights.Of(peer.Roles), silo.GatewayAddress, name.TryTake, places);
        peer.Changed += () => frames.Calls = rights.Of(peer.Roles);
        var reader = new AdmittedReader(transport.Input, frames, new Complaints(this, peer, remote, frames).Say);
        reader.EnterFlow();
        return new Admitted(reader, new AnswerWriter(transport.Output, places), name, place, places);
    }

    /// <summary>
    /// Admits what anybody sends, where the operator has chosen a network without certificates: with the rights of a gateway.
    /// </summary>
    public async Task OverPlain(ConnectionDelegate next, ConnectionContext context)
    {
        var raw = context.Transport;
        using var admitted = TryAdmit(raw, ConnectedPeer.Unknown(), context.RemoteEndPoint);
        if (admitted is null) return;
        context.Transport = admitted;
        try
        {
            await next(context);
        }
        finally
        {
            context.Transport = raw;
        }
    }

    private sealed record Admitted(PipeReader Input, PipeWriter Output, ClientName Name, IDisposable Place, IDisposable Calls) : IGuardedPipe
    {
        public void Dispose()
        {
            Name.Dispose();
            Place.Dispose();
            Calls.Dispose();
        }
    }

    /// <summary>The id that one connection has taken, if any.</summary>
    private sealed class ClientName(ClientIds ids, ConnectedPeer peer) : IDisposable
    {
        private string? _taken;

        public bool TryTake(string id)
        {
            // Holds on every silo alike, without asking another.
            if (peer.NameDigest is { } digest && BoundClientId.IsBound(id)) return BoundClientId.IsOf(id, digest);
            if (!ids.TryTake(id, peer.NameDigest ?? peer.Name)) return false;
            _taken = id;
            return true;
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _taken, null) is { } id) ids.End(id);
        }
    }

    /// <summary>Logs what one client was refused, without letting it fill the log.</summary>
    private sealed class Complaints(ClientAdmission admission, ConnectedPeer peer, EndPoint? remote, ClientFrames frames)
    {
        private long? _saidAt;
        private long _unsaid;

        public void Say(Verdict verdict)
        {
            _unsaid++;
            if (verdict != Verdict.Malformed && _saidAt is { } said && admission.IsRecent(said)) return;
            _saidAt = admission.Now;
            ClientRefused(admission.Logger, peer.Name, peer.RoleNames, remote, frames.Reason, _unsaid);
            _unsaid = 0;
        }
    }

    private ILogger Logger => logger;

    private long Now => clock.GetTimestamp();

    private bool IsRecent(long timestamp) => clock.GetElapsedTime(timestamp) < _silence;

    [LoggerMessage(LogLevel.Warning, "The client {Certificate} ({Roles}) at {Remote} sent {Reason}, which was refused; since it was last said, {Count} of its messages were.")]
    private static partial void ClientRefused(ILogger logger, string certificate, string roles, EndPoint? remote, string reason, long count);
}
