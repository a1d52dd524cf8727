using System.Net;
using Microsoft.Extensions.Options;
using OrleansKms.Configuration;
using OrleansKms.Transport;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>The limits of the client port.</summary>
internal sealed class ClientPortOptions
{
    /// <summary>How many connections it accepts, and how many more may be in their handshake.</summary>
    public int MaxConnections { get; set; } = (int)SettingTable.MaxClientConnections.Default;

    /// <summary>How many calls of all of them may be in flight.</summary>
    public int MaxCalls { get; set; } = (int)SettingTable.MaxClientCalls.Default;
}

/// <summary>
/// The connection limit of the client port. Connections in their handshake are counted separately, since anybody can open them: a
/// flood of them delays new connections and displaces no established one. Services may hold only a part of the established ones,
/// so that one service that keeps opening more does not lock the gateways out.
/// </summary>
internal sealed partial class ConnectionLimit(IOptions<ClientPortOptions> options, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10);

    private readonly int _max = options.Value.MaxConnections;
    private readonly int _maxOfServices = options.Value.MaxConnections * 3 / 4;
    private readonly Lock _lock = new();
    private int _greeting;
    private int _standing;
    private int _ofServices;
    private long? _saidAt;
    private long _unsaid;

    /// <summary>A peer has connected.</summary>
    /// <returns>Disposed when the handshake is over; null if there is no room.</returns>
    public IDisposable? TryGreet(EndPoint? remote)
    {
        lock (_lock)
        {
            if (_greeting >= _max) return Refuse(remote, "a stranger", $"{_max} connections are in their handshake");
            _greeting++;
            return new Place(() => _greeting--, _lock);
        }
    }

    /// <summary>A peer has shown its certificate.</summary>
    /// <returns>Disposed when the connection is over; null if there is no room.</returns>
    public IDisposable? TryHold(ConnectedPeer peer, EndPoint? remote)
    {
        var isService = peer.Roles == CertificateRole.Client;
        lock (_lock)
        {
            if (_standing >= _max) return Refuse(remote, peer.Name, $"{_max} connections stand");
            if (isService && _ofServices >= _maxOfServices)
            {
                return Refuse(remote, peer.Name, $"{_maxOfServices} connections of certificates that are only okms:client stand");
            }
            _standing++;
            if (isService) _ofServices++;
            return new Place(
                () =>
                {
                    _standing--;
                    if (isService) _ofServices--;
                },
                _lock);
        }
    }

    private Place? Refuse(EndPoint? remote, string name, string reason)
    {
        _unsaid++;
        if (_saidAt is { } said && clock.GetElapsedTime(said) < _silence) return null;
        _saidAt = clock.GetTimestamp();
        ConnectionRefused(logger, name, remote, reason, SettingTable.MaxClientConnections.Name, _max, _unsaid);
        _unsaid = 0;
        return null;
    }

    private sealed class Place(Action leave, Lock turn) : IDisposable
    {
        private bool _isLeft;

        public void Dispose()
        {
            lock (turn)
            {
                if (_isLeft) return;
                _isLeft = true;
                leave();
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "A connection to the client port by {Certificate} at {Remote} was refused: {Reason}, and {Setting} is {Max}; since this was last said, {Count} were.")]
    private static partial void ConnectionRefused(ILogger logger, string certificate, EndPoint? remote, string reason, string setting, int max, long count);
}
