using Orleans.Storage;
using OrleansKms.Grains.Storage;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>What every database must do. A class for each database runs all of it on its own.</summary>
public abstract class StorageConformance(StorageFixture fixture)
{
    protected StorageSilo Silo => fixture.Silo;

    protected StorageFixture Fixture => fixture;

    protected static string NewId() => Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Read_NoRow_AnswersNothing()
    {
        var state = await Silo.Read(NewId());

        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.Null(state.State);
    }

    [Fact]
    public async Task Write_ThenRead_ReturnsTheRowAndAnETagThatRises()
    {
        var id = NewId();
        var note = Note("one");

        var first = await Silo.Write(id, note);
        var read = await Silo.Read(id);
        var second = await Silo.Write(id, note with { Text = "two", Revision = 2 }, read.ETag);
        var again = await Silo.Read(id);

        Assert.True(read.RecordExists);
        Assert.Equal(note, read.State);
        Assert.Equal(first.ETag, read.ETag);
        Assert.NotEqual(first.ETag, second.ETag);
        Assert.Equal("two", again.State!.Text);
        Assert.Equal(2, again.State.Revision);
        Assert.Equal(note.Incarnation, again.State.Incarnation);
    }

    [Fact]
    public async Task Write_IdsThatLookLikeNumbersOrGuids_AreRowsOfTheirOwn()
    {
        string[] ids = ["42", "042", "0042", "CAFE", "cafe", "0123456789abcdef0123456789abcdef",
            "0123456789ABCDEF0123456789ABCDEF", "01234567-89ab-cdef-0123-456789abcdef", new string('a', 128), new string('0', 128)];
        foreach (var id in ids)
        {
            await Silo.Write(id, Note(id), name: "ids");
        }

        foreach (var id in ids)
        {
            Assert.Equal(id, (await Silo.Read(id, "ids")).State!.Text);
        }

        Assert.Equal(ids.Order(StringComparer.Ordinal), await Silo.Directory.List("ids", "", null, 100, false, default));
    }

    [Fact]
    public async Task Write_SameKeyUnderTwoNames_AreTwoRows()
    {
        var id = NewId();
        await Silo.Write(id, Note("a"), name: RowNames.Key);
        await Silo.Write(id, Note("b"), name: RowNames.KeyUsage);

        Assert.Equal("a", (await Silo.Read(id, RowNames.Key)).State!.Text);
        Assert.Equal("b", (await Silo.Read(id, RowNames.KeyUsage)).State!.Text);
    }

    [Fact]
    public async Task Create_ManyAtOnce_ExactlyOneWinsEachRound()
    {
        for (var round = 0; round < 50; round++)
        {
            var id = NewId();
            var winners = await Race(8, i => Silo.Write(id, Note($"{i}")));

            var winner = Assert.Single(winners);
            Assert.Equal($"{winner}", (await Silo.Read(id)).State!.Text);
        }
    }

    [Fact]
    public async Task Update_ManyWithOneETag_ExactlyOneWinsEachRound()
    {
        var id = NewId();
        var state = await Silo.Write(id, Note("start"));
        for (var round = 0; round < 50; round++)
        {
            var etag = (await Silo.Read(id)).ETag;
            var winners = await Race(8, i => Silo.Write(id, Note($"{round}.{i}"), etag));

            var winner = Assert.Single(winners);
            Assert.Equal($"{round}.{winner}", (await Silo.Read(id)).State!.Text);
        }
    }

    [Fact]
    public async Task Update_NoRow_LosesTheRace()
    {
        await Assert.ThrowsAsync<InconsistentStateException>(() => Silo.Write(NewId(), Note("x"), "1"));
    }

    [Fact]
    public async Task Clear_StaleETag_LosesTheRaceAndLeavesTheRow()
    {
        var id = NewId();
        var old = await Silo.Write(id, Note("one"));
        await Silo.Write(id, Note("two"), old.ETag);

        await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Silo.Rows.ClearStateAsync(RowNames.Key, Grain(id), new GrainState<NoteRow>(null!, old.ETag) { RecordExists = true }));

        Assert.Equal("two", (await Silo.Read(id)).State!.Text);
    }

    [Fact]
    public async Task Clear_CurrentETag_DeletesTheRowFromTheTable()
    {
        var id = NewId();
        var state = await Silo.Write(id, Note("one"));

        await Silo.Rows.ClearStateAsync(RowNames.Key, Grain(id), state);

        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.Null(await Silo.Scalar("SELECT 1 FROM okms_row WHERE grain_key = @k", ("k", "=" + id)));
        Assert.Equal("1", (await Silo.Write(id, Note("new"))).ETag);
    }

    [Fact]
    public async Task Clear_WithoutETag_DeletesWhatIsThereAndNothingIsFine()
    {
        var id = NewId();
        await Silo.Write(id, Note("one"));

        await Silo.Rows.ClearStateAsync(RowNames.Key, Grain(id), new GrainState<NoteRow>());
        await Silo.Rows.ClearStateAsync(RowNames.Key, Grain(id), new GrainState<NoteRow>());

        Assert.False((await Silo.Read(id)).RecordExists);
    }

    [Fact]
    public async Task List_Prefixes_AreTextNotPatterns()
    {
        string[] ids = ["a_b", "a_b.c", "aXb", "a.b", "a-b", "A_b", "a_", "a_c", "b"];
        foreach (var id in ids)
        {
            await Silo.Write(id, Note(id), name: "prefixes");
        }

        Assert.Equal(["a_b", "a_b.c"], await Silo.Directory.List("prefixes", "a_b", null, 100, false, default));
        Assert.Equal(["a_", "a_b", "a_b.c", "a_c"], await Silo.Directory.List("prefixes", "a_", null, 100, false, default));
        Assert.Equal(["a.b"], await Silo.Directory.List("prefixes", "a.", null, 100, false, default));
        Assert.Equal(ids.Order(StringComparer.Ordinal), await Silo.Directory.List("prefixes", "", null, 100, false, default));
        Assert.Empty(await Silo.Directory.List("prefixes", "zz", null, 100, false, default));
    }

    [Fact]
    public async Task List_Pages_JoinToTheWholeInByteOrder()
    {
        var ids = Enumerable.Range(0, 57).Select(i => (i % 2 == 0 ? "P" : "p") + $".{i * 7919 % 101}_{i}").ToArray();
        foreach (var id in ids)
        {
            await Silo.Write(id, Note(id), name: "pages");
        }

        var listed = new List<string>();
        string? after = null;
        while (await Silo.Directory.List("pages", "", after, 10, false, default) is { Count: > 0 } page)
        {
            listed.AddRange(page);
            after = page[^1];
        }

        Assert.Equal(ids.Order(StringComparer.Ordinal), listed);
        Assert.Equal(listed.Where(i => i.StartsWith("p.", StringComparison.Ordinal)),
            await Silo.Directory.List("pages", "p.", "P", 100, false, default));
    }

    [Fact]
    public async Task List_Tombstones_OnlyWhenAskedFor()
    {
        var live = await Silo.Write("t.live", Note("x"), name: "tombstones");
        var dead = await Silo.Write("t.dead", Note("x"), name: "tombstones");
        await Silo.Write("t.dead", dead.State! with { Erased = true }, dead.ETag, "tombstones");

        Assert.Equal(["t.live"], await Silo.Directory.List("tombstones", "t.", null, 10, false, default));
        Assert.Equal(["t.dead", "t.live"], await Silo.Directory.List("tombstones", "t.", null, 10, true, default));
        Assert.True((await Silo.Read("t.dead", "tombstones")).State!.Erased);
    }

    private static async Task<List<int>> Race(int writers, Func<int, Task> write)
    {
        using var start = new Barrier(writers);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, writers).Select(i => Task.Factory.StartNew(
            async () =>
            {
                start.SignalAndWait();
                try
                {
                    await write(i);
                    return i;
                }
                catch (InconsistentStateException)
                {
                    return -1;
                }
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));
        return [.. outcomes.Where(i => i >= 0)];
    }
}
