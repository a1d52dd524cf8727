using OrleansKms.Transport;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Which certificate each client's id belongs to. Orleans delivers what is due to an id to the connection that named it last, so
/// that naming another client's id would get its answers, including plaintexts. An id therefore belongs to the first certificate
/// name that it came with: while a connection with it exists, and for as long afterwards as Orleans keeps answers for a client
/// that is gone. This holds on one silo only and serves clients of an earlier version: a stranger connected to another silo can
/// take what grains there answer. Ids of later clients carry a digest of their certificate's name (<see cref="BoundClientId"/>),
/// which every silo checks.
/// </summary>
/// <param name="keptAfterEnd">How long an id stays reserved for its certificate after its last connection has ended.</param>
/// <param name="clock">Measures that time.</param>
internal sealed class ClientIds(TimeSpan keptAfterEnd, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Holder> _holders = new(StringComparer.Ordinal);
    private readonly Queue<(string Id, long EndedAt)> _ended = new();

    /// <summary>How many ids are known.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _holders.Count;
        }
    }

    /// <summary>A connection names an id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="certificate">The name in the certificate that the connection has shown, or its digest.</param>
    /// <returns>Whether it may have it; if so, <see cref="End"/> must follow.</returns>
    public bool TryTake(string id, string certificate)
    {
        lock (_lock)
        {
            Forget();
            if (!_holders.TryGetValue(id, out var holder))
            {
                _holders.Add(id, holder = new(certificate));
            }
            else if (holder.Certificate != certificate)
            {
                return false;
            }

            holder.Connections++;
            return true;
        }
    }

    /// <summary>A connection that had taken an id has ended.</summary>
    /// <param name="id">The id.</param>
    public void End(string id)
    {
        lock (_lock)
        {
            var holder = _holders[id];
            if (--holder.Connections == 0)
            {
                holder.EndedAt = clock.GetTimestamp();
                _ended.Enqueue((id, holder.EndedAt));
            }

            Forget();
        }
    }

    private void Forget()
    {
        while (_ended.TryPeek(out var oldest) && clock.GetElapsedTime(oldest.EndedAt) >= keptAfterEnd)
        {
            _ended.Dequeue();
            // It may have been taken again since.
            if (_holders.TryGetValue(oldest.Id, out var holder) && holder.Connections == 0 && holder.EndedAt == oldest.EndedAt)
            {
                _holders.Remove(oldest.Id);
            }
        }
    }

    private sealed class Holder(string certificate)
    {
        public string Certificate { get; } = certificate;

        public int Connections { get; set; }

        public long EndedAt { get; set; }
    }
}
