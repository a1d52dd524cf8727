using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.History;

/// <summary>The chain of a key's events over rows in memory: what it costs, what it tells, and that nothing can be changed in it unnoticed.</summary>
public sealed class HistoryChainTests
{
    private const string Id = "chained";
    private static readonly Caller _caller = new("alice", "10.0.0.1", "request-1");
    private static readonly Caller _self = new("okms", "silo", "-");
    private static readonly DateTimeOffset _start = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    private readonly StoredRows _rows = new();
    private KeyRow _row = null!;
    private long _revision;

    private HistoryBlocks Blocks => new(_rows, GrainId.Create("key", Id));

    private static KeyRow Fresh() => new()
    {
        Incarnation = new(1, 2),
        Spec = "AES_256_GCM",
        Usage = KeyUsage.EncryptDecrypt,
        State = KeyState.Enabled,
        Protection = KeyProtection.Software,
        Origin = KeyOrigin.Generated,
        CreatedAt = _start,
        PrimaryVersion = 1,
        Versions = [new(1, KeyVersionState.Enabled, _start)],
    };

    private async Task Create() => _row = await Appended(null, Fresh(), "create", 0);

    private async Task Change(int times = 1, int epoch = 0, string text = "")
    {
        for (var i = 0; i < times; i++)
        {
            _row = await Appended(_row, _row with { Description = $"{text}{i}" }, "update", epoch);
        }
    }

    private Task<KeyRow> Appended(KeyRow? row, KeyRow next, string operation, int epoch) => new HistoryChain(Blocks, Id, _self).Append(
        row, next, ++_revision, new(_caller, operation), _start.AddSeconds(_revision), epoch);

    private Task<KeyHistoryPage> Page(HistoryPlace? from = null, int limit = 1000) => new HistoryWalk(Blocks, Id, _row).Read(from, limit);

    private async Task<(List<KeyHistoryEvent> Events, KeyHistoryPage Last)> All(int limit = 1000)
    {
        var (events, page) = (new List<KeyHistoryEvent>(), await Page(null, limit));
        events.AddRange(page.Events);
        while (page.Next is { } next)
        {
            page = await Page(HistoryPlace.TryParse(next), limit);
            Assert.NotEmpty(page.Events);
            events.AddRange(page.Events);
        }

        return (events, page);
    }

    [Fact]
    public async Task Create_CostsNoRow_AndTellsOfItself()
    {
        await Create();
        Assert.Empty(_rows.Names);
        var page = await Page();
        var told = Assert.Single(page.Events);
        Assert.Equal((1, "keys:create", "alice", "10.0.0.1", "request-1", 1, 1), (told.Number, told.Action, told.Principal, told.Source, told.RequestId, told.Version, told.Revision));
        Assert.Equal((true, true, null, null), (page.Verified, page.IsComplete, page.BrokenAt, page.Next));
        Assert.Equal(Convert.ToHexStringLower(_row.History!.Head), told.Hash);
    }

    [Fact]
    public async Task Changes_WriteARowMore_OnlyEverySixteenth()
    {
        await Create();
        await Change(15);
        Assert.Equal(0, _rows.Writes);
        await Change();
        Assert.Equal((1, 1, 1), (_rows.Writes, _row.History!.Block, _row.History.Newest.Count));
        await Change(15);
        Assert.Equal(1, _rows.Writes);
        await Change();
        Assert.Equal((2, 2), (_rows.Writes, _row.History.Block));
    }

    [Fact]
    public async Task Changes_WithLongTexts_MoveByTheirBytes()
    {
        await Create();
        for (var i = 0; i < 40; i++)
        {
            var caller = new Caller(new string('\u4e2d', 128), new string('\u4e2d', 128), new string('\u4e2d', 128));
            _row = await new HistoryChain(Blocks, Id, _self).Append(_row, _row with { Description = $"{i}" }, ++_revision, new(caller, "update"), _start, 0);
            Assert.InRange(_row.History!.Newest.Sum(e => e.Length), 1, HistoryChain.MaxBytes + 2048);
        }

        var (events, last) = await All();
        Assert.Equal(41, events.Count);
        Assert.True(last.Verified);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(1000)]
    public async Task Pages_JoinToTheWhole_NewestFirst_AndVerify(int limit)
    {
        await Create();
        await Change(99);
        var (events, last) = await All(limit);
        Assert.Equal(Enumerable.Range(1, 100).Reverse().Select(i => (long)i), events.Select(e => e.Number));
        Assert.True(last.Verified);
        Assert.All(events, told => Assert.False(told.IsLeft));
        Assert.Equal("keys:create", events[^1].Action);
    }

    [Fact]
    public async Task Pages_WhileTheKeyGoesOnChanging_GoOnWhereTheyWere()
    {
        await Create();
        await Change(40);
        var page = await Page(null, 10);
        await Change(40);
        var rest = await Page(HistoryPlace.TryParse(page.Next!));
        Assert.Equal(Enumerable.Range(1, 31).Reverse().Select(i => (long)i), rest.Events.Select(e => e.Number));
        Assert.True(rest.Verified);
    }

    [Fact]
    public async Task KeyFromBefore_HasNone_AndBeginsWithItsNextChange()
    {
        _row = Fresh();
        var none = await Page();
        Assert.Equal((0, true, false), (none.Events.Length, none.Verified, none.IsComplete));
        await Change(20);
        var page = await Page();
        Assert.Equal((20, true, false, "keys:update"), (page.Events.Length, page.Verified, page.IsComplete, page.Events[^1].Action));
    }

    [Fact]
    public async Task Restore_IsTold_WhereTheChainGoesOn()
    {
        await Create();
        await Change(2);
        await Change(2, epoch: 3);
        var page = await Page();
        Assert.Equal(["keys:update", "keys:update", "keys:restored", "keys:update", "keys:update", "keys:create"], page.Events.Select(e => e.Action));
        Assert.Equal([3, 3, 3, 0, 0, 0], page.Events.Select(e => e.RestoreEpoch));
        Assert.Equal("okms", page.Events[2].Principal);
        Assert.Contains("event 3", page.Events[2].Reason, StringComparison.Ordinal);
        Assert.True(page.Verified);
    }

    public static TheoryData<string> Fields =>
        ["number", "time", "revision", "previous", "action", "principal", "source", "request", "credential", "version", "reason", "epoch"];

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task AnyField_ChangedInAnyEvent_BreaksTheChainThere(string field)
    {
        await Create();
        await Change(39);
        for (var number = 1; number <= 40; number++)
        {
            var (row, stored) = (_row, number <= 32 ? _rows.Block(((number - 1) / 16) + 1) : null);
            Replace(number, bytes => HistoryEventFormat.Encode(Changed(field, HistoryEventFormat.TryDecode(bytes)!)));
            await BreaksAt(number, isLost: field == "number");
            _row = row;
            if (stored is not null) _rows.Put(((number - 1) / 16) + 1, stored);
        }

        Assert.True((await All()).Last.Verified);
    }

    [Fact]
    public async Task Events_RemovedInsertedSwappedOrCutOff_BreakTheChain()
    {
        await Create();
        await Change(39);
        var (first, second) = (_rows.Block(1), _rows.Block(2));

        _rows.Put(2, second with { Events = [.. second.Events.Where((_, i) => i != 4)] });
        await BreaksAt(21);
        _rows.Put(2, second with { Events = [.. second.Events.Take(4), second.Events[3], .. second.Events.Skip(4)] });
        await BreaksAt(19);
        _rows.Put(2, second with { Events = [.. second.Events.Take(4), second.Events[5], second.Events[4], .. second.Events.Skip(6)] });
        await BreaksAt(22);
        _rows.Put(2, second with { Events = [.. second.Events.Take(15), [1, 2, 3]] });
        await BreaksAt(32, isLost: true);
        _rows.Put(2, null);
        await BreaksAt(32, isLost: true);
        _rows.Put(2, second with { Incarnation = new(3, 4) });
        await BreaksAt(32, isLost: true);
        _rows.Put(2, second);

        _rows.Put(1, first with { Events = [.. first.Events.Skip(3)] });
        await BreaksAt(3, isLost: true);
        _rows.Put(1, null);
        await BreaksAt(16, isLost: true);
        _rows.Put(1, second);
        await BreaksAt(16, isLost: true);
        _rows.Put(1, first);
        _rows.Damaged.Add(RowNames.KeyHistory(1));
        await BreaksAt(16, isLost: true);
        _rows.Damaged.Clear();
        Assert.True((await All()).Last.Verified);
    }

    [Fact]
    public async Task Head_Changed_BreaksTheChainAtItsFirstEvent()
    {
        await Create();
        await Change(4);
        var row = _row;
        _row = row with { History = row.History! with { Head = new byte[32] } };
        await BreaksAt(5);
        _row = row with { History = row.History! with { Count = 6 } };
        await BreaksAt(6, isLost: true);
    }

    /// <summary>The change was not committed; its block is there. Whoever comes next goes on with it.</summary>
    [Fact]
    public async Task Crash_AfterTheBlockAndBeforeTheCommit_LosesAndRepeatsNothing()
    {
        await Create();
        await Change(15);
        var committed = _row;
        await Change();
        _row = committed;
        var between = await Page();
        Assert.Equal((16, true), (between.Events.Length, between.Verified));
        Assert.All(between.Events, told => Assert.False(told.IsLeft));

        await Change(2, text: "again");
        var (events, last) = await All();
        Assert.Equal(Enumerable.Range(1, 18).Reverse().Select(i => (long)i), events.Select(e => e.Number));
        Assert.True(last.Verified);
        Assert.Equal([RowNames.KeyHistory(1)], _rows.Names);
    }

    [Fact]
    public async Task Block_WithABeginningOfWhatItShouldHold_IsWrittenWhole()
    {
        await Create();
        await Change(15);
        _rows.Put(1, new() { Incarnation = _row.Incarnation, Events = [.. _row.History!.Newest.Take(9)] });
        await Change();
        Assert.Equal(16, _rows.Block(1).Events.Count);
        Assert.True((await All()).Last.Verified);
    }

    /// <summary>The row <c>key</c> of an earlier day, with the blocks of today: what is not of its chain is told, and stays.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(20)]
    [InlineData(40)]
    public async Task OlderRowPutBack_ShowsWhatWasLeft_AndGoesOnAboveIt(int known)
    {
        await Create();
        await Change(known - 1);
        var older = _row;
        await Change(60, text: "lost");
        var lost = (await All()).Events.Where(e => e.Number > known && e.Number <= (known + 59) / 16 * 16).Select(e => e.Number).ToList();

        _row = older;
        var (events, last) = await All(7);
        Assert.Equal(lost, events.Where(e => e.IsLeft).Select(e => e.Number));
        Assert.Equal(Enumerable.Range(1, known).Reverse().Select(i => (long)i), events.Where(e => !e.IsLeft).Select(e => e.Number));
        Assert.True(last.Verified);

        await Change(40, epoch: 1, text: "new");
        (events, last) = await All(9);
        Assert.Equal(Enumerable.Range(1, known + 41).Reverse().Select(i => (long)i), events.Where(e => !e.IsLeft).Select(e => e.Number));
        Assert.Equal(lost, events.Where(e => e.IsLeft).Select(e => e.Number));
        Assert.True(last.Verified);

        // What was left lies where the chain was left: above the last event that both have.
        var at = events.FindIndex(e => e.IsLeft);
        Assert.Contains(events.Take(at), e => e.Action == "keys:restored");
        Assert.All(events.Skip(at).SkipWhile(e => e.IsLeft), e => Assert.InRange(e.Number, 1, known));
    }

    [Fact]
    public async Task OlderRowPutBack_Twice_KeepsBothChains()
    {
        await Create();
        await Change(4);
        var older = _row;
        await Change(20, text: "first");
        _row = older;
        await Change(40, text: "second");
        _row = older;
        await Change(70, text: "third");
        var (events, last) = await All();
        Assert.True(last.Verified);
        Assert.Equal(75, events.Count(e => !e.IsLeft));
        Assert.Equal((16 - 5) + (32 - 5), events.Count(e => e.IsLeft));
    }

    [Fact]
    public async Task Place_OfNoHistory_IsRefused()
    {
        await Create();
        await Change(40);
        foreach (var text in (string[])["", "1", "a.b.c.d.e.f", "1.1.1.1.1.00", "-1.1.1.1.1.x1", "1.1.1.1.1.x0", "1.1.1.1.1.x", $"1.1.1.1.1.{new string('A', 64)}",
            $"1.1.1.1.1.{new string('0', 64)}.1", $"99999999999.1.1.1.1.{new string('0', 64)}"])
        {
            Assert.Null(HistoryPlace.TryParse(text));
        }

        var high = HistoryPlace.TryParse($"2147483647.1.1.1.1.{new string('0', 64)}");
        Assert.Equal("invalid_parameter", (await Assert.ThrowsAsync<KmsException>(() => Page(high))).Code);

        // One that was changed fools nobody but who changed it.
        var page = await Page(null, 5);
        var forged = HistoryPlace.TryParse(page.Next!)!.Value with { Hash = new byte[32] };
        Assert.False((await Page(forged)).Verified);
    }

    [Fact]
    public void Reasons_NameFieldsAndTimes_AndNoValues()
    {
        var row = Fresh();
        Assert.Equal("description, rotation", ChangeReasons.Of(row, row with { Description = "secret", Rotation = new(TimeSpan.FromDays(1), null) }));
        Assert.Equal("due 2026-12-29T12:00:00Z", ChangeReasons.Of(row, row with { State = KeyState.PendingDeletion, DeletionAt = _start.AddDays(30) }));
        Assert.Null(ChangeReasons.Of(row, row with { State = KeyState.Disabled }));
        Assert.Equal(
            "due 2026-12-06T12:00:00Z",
            ChangeReasons.Of(row, row with { Versions = [row.Versions[0] with { State = KeyVersionState.PendingDestruction, DestroyAt = _start.AddDays(7) }] }));
        Assert.Equal("versions 1, 2, 9", ChangeReasons.Versions([9, 1, 2]));
        Assert.EndsWith("19, 20 and 49980 more", ChangeReasons.Versions([.. Enumerable.Range(1, 50_000)]), StringComparison.Ordinal);
    }

    private async Task BreaksAt(long number, bool isLost = false)
    {
        var whole = await Page();
        Assert.Equal((false, number), (whole.Verified, whole.BrokenAt));

        // Also by pages: those above it hold, and none from it on.
        HistoryPlace? from = null;
        do
        {
            var page = await Page(from, 6);
            var isAbove = page.Events.All(e => e.Number > number) && page.Next is not null;
            Assert.True(!isAbove || page.Verified || isLost, $"event {number} is broken, and the page above it is not verified");
            Assert.True(isAbove || !page.Verified, $"event {number} is broken, and the page with it is verified");
            Assert.True(page.Verified || page.BrokenAt == number);
            from = page.Next is { } next ? HistoryPlace.TryParse(next) : null;
        }
        while (from is not null);
    }

    private void Replace(int number, Func<byte[], byte[]> change)
    {
        if (number > 32)
        {
            var newest = _row.History!.Newest.ToArray();
            newest[number - 33] = change(newest[number - 33]);
            _row = _row with { History = _row.History with { Newest = newest } };
            return;
        }

        var (block, index) = (((number - 1) / 16) + 1, (number - 1) % 16);
        var events = _rows.Block(block).Events.ToArray();
        events[index] = change(events[index]);
        _rows.Put(block, _rows.Block(block) with { Events = events });
    }

    private static HistoryEvent Changed(string field, HistoryEvent read) => field switch
    {
        "number" => read with { Number = read.Number + 1 },
        "time" => read with { Time = read.Time.AddMilliseconds(1) },
        "revision" => read with { Revision = read.Revision + 1 },
        "previous" => read with { Previous = [.. read.Previous[..^1], (byte)(read.Previous[^1] ^ 1)] },
        "action" => read with { Action = "keys:enable" },
        "principal" => read with { Principal = "mallory" },
        "source" => read with { Source = "10.0.0.2" },
        "request" => read with { RequestId = "request-2" },
        "credential" => read with { Credential = "token:1" },
        "version" => read with { Version = 7 },
        "reason" => read with { Reason = "because" },
        _ => read with { Epoch = read.Epoch + 1 },
    };
}
