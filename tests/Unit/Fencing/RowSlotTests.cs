using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Fencing;

public sealed class RowSlotTests
{
    private static readonly Incarnation _incarnation = Incarnation.New();
    private readonly Rows _rows = new();
    private readonly RowSlot<KeyUsageRow> _slot;

    public RowSlotTests() => _slot = new(_rows, GrainId.Create("key", "a"), RowNames.KeyUsage);

    [Fact]
    public async Task Read_OfNothing_IsKnown()
    {
        Assert.Equal((RowState.Unread, true), (_slot.State, _slot.NeedsRead));
        await _slot.Read();
        Assert.Equal((RowState.Known, false), (_slot.State, _slot.NeedsRead));
        Assert.Null(_slot.Row);
    }

    [Fact]
    public async Task Write_Acknowledged_IsKnownAndConfirmed()
    {
        await Written();
        Assert.Equal((RowState.Known, false, 1), (_slot.State, _slot.IsUnconfirmed, _slot.Writes));
        Assert.Equal(1, _slot.Row!.Revision);
    }

    [Fact]
    public async Task Write_OfUnknownOutcome_IsInvalidUntilReadAndUnconfirmedUntilWritten()
    {
        await Written();
        await Fails<StorageFailedException>(Unknown());
        Assert.Equal((RowState.Invalid, true, true), (_slot.State, _slot.NeedsRead, _slot.IsUnconfirmed));
        await _slot.Read();
        Assert.Equal((RowState.Known, true), (_slot.State, _slot.IsUnconfirmed));
        await _slot.Write(Next());
        Assert.Equal((RowState.Known, false), (_slot.State, _slot.IsUnconfirmed));
    }

    [Fact]
    public async Task Write_OfUnknownOutcomeThatPermitsTheSame_IsInDoubtUntilRead()
    {
        await Written();
        await Fails<StorageFailedException>(Unknown(), permitsTheSame: true);
        Assert.Equal((RowState.InDoubt, false, true), (_slot.State, _slot.NeedsRead, _slot.IsUnconfirmed));
        await _slot.Read();
        Assert.Equal((RowState.Known, true), (_slot.State, _slot.IsUnconfirmed));
    }

    [Fact]
    public async Task Write_OfUnknownOutcome_IsNotSettledByAReadThatBeganBefore()
    {
        await Written();
        var read = _rows.HoldRead();
        var reading = _slot.Read();
        await Fails<StorageFailedException>(Unknown(), permitsTheSame: true);
        read.SetResult();
        await reading;
        Assert.Equal(RowState.InDoubt, _slot.State);
    }

    [Fact]
    public async Task Write_ThatLostARace_IsInvalidAndNothingIsUnconfirmed()
    {
        await Written();
        await Fails<InconsistentStateException>(new InconsistentStateException("lost"), permitsTheSame: true);
        Assert.Equal((RowState.Invalid, false), (_slot.State, _slot.IsUnconfirmed));
    }

    [Fact]
    public async Task Write_ThatWasNotMade_ChangesNothing()
    {
        await Written();
        await Fails<StorageFailedException>(new StorageFailedException("refused", outcomeUnknown: false, new IOException()));
        Assert.Equal((RowState.Known, false, 1), (_slot.State, _slot.IsUnconfirmed, _slot.Writes));
    }

    [Fact]
    public async Task Invalidate_WithinAReadOrAWrite_Holds()
    {
        await Written();
        var read = _rows.HoldRead();
        var reading = _slot.Read();
        _slot.Invalidate();
        read.SetResult();
        await reading;
        Assert.Equal(RowState.Invalid, _slot.State);

        await _slot.Write(Next());
        Assert.Equal(RowState.Invalid, _slot.State);
        await _slot.Read();
        Assert.Equal(RowState.Known, _slot.State);
    }

    [Fact]
    public async Task Invalidate_InDoubt_IsInvalid()
    {
        await Written();
        await Fails<StorageFailedException>(Unknown(), permitsTheSame: true);
        _slot.Invalidate();
        Assert.Equal((RowState.Invalid, true), (_slot.State, _slot.NeedsRead));
    }

    [Fact]
    public async Task Read_OfAnOlderRevision_IsKeyCorrupted()
    {
        await Written();
        var old = _rows.Stored;
        await _slot.Write(Next());
        _rows.Stored = old;
        Assert.Equal("key_corrupted", (await Assert.ThrowsAsync<KmsException>(_slot.Read)).Code);
        _rows.Stored = null;
        Assert.Equal("key_corrupted", (await Assert.ThrowsAsync<KmsException>(_slot.Read)).Code);
    }

    [Fact]
    public async Task ClearUnread_IsUnread()
    {
        await Written();
        await _slot.ClearUnread();
        Assert.Equal((RowState.Unread, true), (_slot.State, _slot.NeedsRead));
        Assert.Null(_slot.Row);
    }

    private async Task Written()
    {
        await _slot.Read();
        await _slot.Write(Next());
    }

    private async Task Fails<T>(Exception failure, bool permitsTheSame = false)
        where T : Exception
    {
        _rows.NextWrite = failure;
        await Assert.ThrowsAsync<T>(() => _slot.Write(Next(), permitsTheSame));
    }

    private static KeyUsageRow Next() => new() { Incarnation = _incarnation };

    private static StorageFailedException Unknown() => new("the connection broke", outcomeUnknown: true, new IOException());

    /// <summary>A table of one row.</summary>
    private sealed class Rows : IGrainStorage
    {
        private TaskCompletionSource? _heldRead;

        public (object State, string ETag)? Stored { get; set; }

        public Exception? NextWrite { get; set; }

        /// <summary>Holds the answer of the next read.</summary>
        public TaskCompletionSource HoldRead() => _heldRead = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            var stored = Stored;
            var held = _heldRead;
            _heldRead = null;
            await (held?.Task ?? Task.CompletedTask);
            (grainState.RecordExists, grainState.ETag) = (stored is not null, stored?.ETag);
            grainState.State = stored is { } row ? (T)row.State : default!;
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (NextWrite is { } failure)
            {
                NextWrite = null;
                return Task.FromException(failure);
            }

            grainState.ETag = (int.Parse(grainState.ETag ?? "0", System.Globalization.CultureInfo.InvariantCulture) + 1)
                .ToString(System.Globalization.CultureInfo.InvariantCulture);
            Stored = (grainState.State!, grainState.ETag);
            return Task.CompletedTask;
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            Stored = null;
            return Task.CompletedTask;
        }
    }
}
