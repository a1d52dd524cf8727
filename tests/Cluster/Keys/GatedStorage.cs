using Orleans.Storage;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// The real storage with a gate before and after each call, so that a test can hold an activation at any await and let
/// another overtake it.
/// </summary>
internal sealed class GatedStorage(IGrainStorage inner, Gate gate) : IGrainStorage, IPairedRows
{
    public Task InsertBoth<TFirst, TSecond>(
        GrainId grainId, string firstName, IGrainState<TFirst> first, string secondName, IGrainState<TSecond> second) =>
        Pass(() => ((IPairedRows)inner).InsertBoth(grainId, firstName, first, secondName, second));

    public async Task<bool> ReadBoth<TFirst, TSecond>(
        GrainId grainId, string firstName, IGrainState<TFirst> first, string secondName, IGrainState<TSecond> second)
    {
        var opened = false;
        await Pass(async () => opened = await ((IPairedRows)inner).ReadBoth(grainId, firstName, first, secondName, second));
        return opened;
    }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        Pass(() => inner.ReadStateAsync(stateName, grainId, grainState));

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        Pass(() => inner.WriteStateAsync(stateName, grainId, grainState));

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        Pass(() => inner.ClearStateAsync(stateName, grainId, grainState));

    private async Task Pass(Func<Task> call)
    {
        await gate.Point();
        await call();
        await gate.Point();
    }
}

/// <summary>Counts the points that an activation passes and holds it at one of them.</summary>
internal sealed class Gate
{
    private readonly Lock _lock = new();
    private int _passed;
    private int _holdAt = -1;
    private Exception? _fault;
    private bool _staysSo;
    private TaskCompletionSource _reached = new();
    private TaskCompletionSource _released = new();

    /// <summary>Completes when the activation is held.</summary>
    public Task Reached => _reached.Task;

    /// <summary>Lets go what is held, begins to count again, and holds at the given point; -1 for none.</summary>
    public void HoldAt(int point)
    {
        lock (_lock)
        {
            _released.TrySetResult();
            _passed = 0;
            _holdAt = point;
            (_fault, _staysSo) = (null, false);
            _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Makes the given point fail: before a call nothing was done, after a call it was and nobody heard of it.</summary>
    public void FailAt(int point, Exception fault)
    {
        HoldAt(point);
        _fault = fault;
    }

    /// <summary>Makes the given point fail and all that follow.</summary>
    public void FailFrom(int point, Exception fault)
    {
        FailAt(point, fault);
        _staysSo = true;
    }

    /// <summary>Holds at the given point and at all that follow.</summary>
    public void HoldFrom(int point)
    {
        HoldAt(point);
        _staysSo = true;
    }

    public void Release() => _released.TrySetResult();

    public Task Point()
    {
        lock (_lock)
        {
            var point = _passed++;
            if (_holdAt < 0 || (point != _holdAt && !(_staysSo && point > _holdAt)))
            {
                return Task.CompletedTask;
            }

            _reached.TrySetResult();
            return _fault is null ? _released.Task : Task.FromException(_fault);
        }
    }
}
