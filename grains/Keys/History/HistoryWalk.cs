using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.History;

/// <summary>
/// Walks down a key's history, newest event first, and verifies it: each event must have the hash that its successor names, and the newest
/// the hash in the row <c>key</c>. Blocks that the chain does not link to belong to an abandoned chain; their events are returned, in
/// place, and marked as such.
/// </summary>
/// <param name="blocks">The rows with events.</param>
/// <param name="keyId">The key.</param>
/// <param name="row">The row <c>key</c>.</param>
internal sealed class HistoryWalk(HistoryBlocks blocks, string keyId, KeyRow row)
{
    private HistoryPlace _at;
    private int _newest;
    private KeyHistoryRow? _block;
    private int _blockNumber;

    /// <summary>The block in which the chain breaks; 0 for none, the number after the last block for the row <c>key</c>.</summary>
    public int BrokenIn { get; private set; }

    /// <summary>The highest block, of this chain or of an abandoned one.</summary>
    public int Top { get; private set; }

    /// <summary>Reads a page.</summary>
    /// <param name="from">Where the previous page ended; null for the first page.</param>
    /// <param name="limit">The maximum number of events.</param>
    /// <exception cref="KmsException">invalid_parameter: the history has no such position.</exception>
    public async Task<KeyHistoryPage> Read(HistoryPlace? from, int limit)
    {
        if (row.History is not { } history)
        {
            return new() { Events = [], Verified = true };
        }

        await Begin(history);
        if (from is { } place)
        {
            _at = place.Block <= _newest ? place : throw KmsError.InvalidParameter.Exception("The key's history has no such position; start again from the first page.");
        }

        var events = new List<KeyHistoryEvent>();
        var end = _at;
        HistoryPlace? next = null;
        while (next is null && await Next(history) is { } told)
        {
            if (events.Count == limit)
            {
                next = end;
            }
            else
            {
                events.Add(told);
                end = _at;
            }
        }

        var brokenAt = (next ?? _at).BrokenAt;
        return new()
        {
            Events = [.. events],
            Verified = brokenAt == 0,
            BrokenAt = brokenAt == 0 ? null : brokenAt,
            IsComplete = history.Whole,
            Next = next?.ToString(),
        };
    }

    /// <summary>The newest events, in the row <c>key</c>, count as events of the block they will move to.</summary>
    private async Task Begin(KeyHistory history)
    {
        Top = await blocks.Top(history.Block);
        var isKept = Top > history.Block && await blocks.Read(Top, row.Incarnation) is { } top && HistoryBlocks.IsOf(top, history);
        _newest = isKept ? Top : Top + 1;
        _at = new(_newest, HistoryPlace.Last, _newest, _newest, history.Count, history.Head, 0);
    }

    private async Task<KeyHistoryEvent?> Next(KeyHistory history)
    {
        while (_at.Block > 0)
        {
            var isOwn = _at.Block == _at.Link;
            var block = await Block(_at.Block, history);
            var index = block is null ? -1 : Math.Min(_at.Index, block.Events.Count - 1);
            if (block is null || index < (isOwn ? 0 : await Shared(block, history)))
            {
                Leave(block, isOwn);
                continue;
            }

            var bytes = block.Events[index];
            _at = _at with { Index = index - 1 };
            var hash = HistoryEventFormat.Hash(keyId, row.Incarnation, bytes);
            var read = HistoryEventFormat.TryDecode(bytes);
            if (isOwn)
            {
                Check(read, hash);
            }

            if (read is not null)
            {
                return Told(read, hash, isOwn);
            }
        }

        CheckTheBeginning();
        return null;
    }

    private void Leave(KeyHistoryRow? block, bool isOwn)
    {
        if (!isOwn)
        {
            _at = _at.Below();
            return;
        }

        // A missing block does not name its predecessor, nor does one that links upwards; most likely it is the next one down.
        var link = block is { } read && read.Before < _at.Block ? read.Before : _at.Block - 1;
        if (block is null)
        {
            Break();
        }

        _at = _at.Below() with { Link = link, Above = _at.Block };
    }

    private void Check(HistoryEvent? read, byte[] hash)
    {
        if (_at.BrokenAt > 0)
        {
            return;
        }

        if (read is null || read.Number != _at.Number || !hash.AsSpan().SequenceEqual(_at.Hash))
        {
            Break();
            return;
        }

        _at = _at with { Number = read.Number - 1, Hash = read.Previous };
    }

    private void CheckTheBeginning()
    {
        if (_at.BrokenAt == 0 && (_at.Number != 0 || _at.Hash.AsSpan().ContainsAnyExcept((byte)0)))
        {
            Break();
        }
    }

    // Nothing below is covered by the head any more.
    private void Break()
    {
        if (_at.BrokenAt == 0)
        {
            BrokenIn = Math.Max(1, _at.Block);
            _at = _at with { BrokenAt = Math.Max(1, _at.Number), Hash = [] };
        }
    }

    /// <summary>How many events an abandoned block shares with the chain: both begin where the restored row <c>key</c> ended.</summary>
    private async Task<int> Shared(KeyHistoryRow left, KeyHistory history)
    {
        var above = _at.Above == _newest ? Newest(history) : await blocks.Read(_at.Above, row.Incarnation);
        return above is not null && above.Before == left.Before ? HistoryBlocks.Shared(above.Events, left.Events) : 0;
    }

    private async Task<KeyHistoryRow?> Block(int number, KeyHistory history)
    {
        if (number == _newest)
        {
            return Newest(history);
        }

        if (number != _blockNumber)
        {
            (_block, _blockNumber) = (await blocks.Read(number, row.Incarnation), number);
        }

        return _block;
    }

    private static KeyHistoryRow Newest(KeyHistory history) => new() { Before = history.Block, Events = history.Newest };

    private static KeyHistoryEvent Told(HistoryEvent read, byte[] hash, bool isOwn) => new()
    {
        Number = read.Number,
        Time = read.Time,
        Action = read.Action,
        Principal = read.Principal,
        Source = read.Source,
        RequestId = read.RequestId,
        Credential = read.Credential,
        Version = read.Version,
        Revision = read.Revision,
        Reason = read.Reason,
        RestoreEpoch = read.Epoch,
        Hash = Convert.ToHexStringLower(hash),
        IsLeft = !isOwn,
    };
}
