using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using OrleansKms.Configuration;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// The limit on calls in flight from all clients of a silo, gateways among them: a call takes a place when it arrives, and leaves it
/// with its answer. One beyond the limit is refused at once. Services may take only a part of the places, so that one service that
/// keeps calling does not lock the gateways out.
/// </summary>
internal sealed partial class CallLimit(IOptions<ClientPortOptions> options, TimeProvider clock, ILogger logger)
{
    /// <summary>A client that goes away takes its calls with it; a call that was dropped unanswered is looked for no more often than this.</summary>
    private static readonly TimeSpan _sweepInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10);

    private static readonly Counter<long> _refused = new Meter("OrleansKms").CreateCounter<long>(
        "client_calls_shed", description: "Calls at the client port refused as overloaded before anything in them was read.");

    private readonly int _max = options.Value.MaxCalls;
    private readonly int _maxOfServices = options.Value.MaxCalls / 4 * 3;
    private readonly Lock _lock = new();
    private readonly HashSet<CallPlaces> _connections = [];
    private int _taken;
    private int _ofServices;
    private long? _sweptAt;
    private long? _saidAt;
    private long _unsaid;

    /// <summary>How many calls are in flight.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>The places of a connection that begins.</summary>
    /// <param name="isService">Whether its certificate is only okms:client.</param>
    public CallPlaces Begin(bool isService)
    {
        var places = new CallPlaces(this, isService, clock);
        lock (_lock) _connections.Add(places);
        return places;
    }

    /// <summary>Takes a place, after looking for places of calls that will not be answered.</summary>
    public bool TryTake(bool isService)
    {
        if (TryTakeFree(isService)) return true;
        if (Sweep() && TryTakeFree(isService)) return true;
        _refused.Add(1);
        Say(isService);
        return false;
    }

    /// <summary>Frees places.</summary>
    public void Leave(bool isService, int count)
    {
        Interlocked.Add(ref _taken, -count);
        if (isService) Interlocked.Add(ref _ofServices, -count);
    }

    /// <summary>The connection is over.</summary>
    public void End(CallPlaces places)
    {
        lock (_lock) _connections.Remove(places);
    }

    private bool TryTakeFree(bool isService)
    {
        if (isService && Interlocked.Increment(ref _ofServices) > _maxOfServices)
        {
            Interlocked.Decrement(ref _ofServices);
            return false;
        }
        if (Interlocked.Increment(ref _taken) <= _max) return true;
        Leave(isService, 1);
        return false;
    }

    private bool Sweep()
    {
        CallPlaces[] connections;
        lock (_lock)
        {
            if (_sweptAt is { } swept && clock.GetElapsedTime(swept) < _sweepInterval) return false;
            _sweptAt = clock.GetTimestamp();
            connections = [.. _connections];
        }
        foreach (var connection in connections) connection.Sweep();
        return true;
    }

    private void Say(bool isService)
    {
        lock (_lock)
        {
            _unsaid++;
            if (_saidAt is { } said && clock.GetElapsedTime(said) < _silence) return;
            _saidAt = clock.GetTimestamp();
            var (max, of) = isService ? (_maxOfServices, " of services") : (_max, "");
            CallsRefused(logger, max, of, SettingTable.MaxClientCalls.Name, _max, _unsaid);
            _unsaid = 0;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Calls to the client port are refused as overloaded: {Taken} calls{Of} are in flight, and {Setting} is {Max}; since this was last said, {Count} were.")]
    private static partial void CallsRefused(ILogger logger, int taken, string of, string setting, int max, long count);
}
