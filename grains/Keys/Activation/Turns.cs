namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// One turn after the other within an activation, for work that must not interleave while other work does. Orleans' own turns
/// see to it where nothing is allowed to interleave; then this is always free and costs nothing. Not for several threads.
/// </summary>
internal sealed class Turns
{
    private Queue<TaskCompletionSource>? _waiting;
    private bool _isTaken;

    /// <summary>Waits for a turn.</summary>
    /// <returns>The turn, which ends when it is disposed.</returns>
    public ValueTask<Turn> Begin()
    {
        if (!_isTaken)
        {
            _isTaken = true;
            return new(new Turn(this));
        }

        return Wait();
    }

    private async ValueTask<Turn> Wait()
    {
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (_waiting ??= []).Enqueue(next);
        await next.Task;
        return new(this);
    }

    private void End()
    {
        // Handed over, so that nobody who comes meanwhile takes it.
        if (_waiting is { Count: > 0 })
        {
            _waiting.Dequeue().SetResult();
        }
        else
        {
            _isTaken = false;
        }
    }

    /// <summary>One turn.</summary>
    internal readonly struct Turn(Turns turns) : IDisposable
    {
        /// <summary>Lets the next one begin.</summary>
        public void Dispose() => turns.End();
    }
}
