namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Serialises work within an activation that must not interleave. Where Orleans lets no calls interleave, a turn is always free
/// and costs nothing. Not thread-safe.
/// </summary>
internal sealed class Turns
{
    private Queue<TaskCompletionSource>? _waiting;
    private bool _isTaken;

    /// <summary>Waits for a turn.</summary>
    /// <returns>The turn; dispose to end it.</returns>
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
        // Handed over, so that nobody who arrives in the meantime takes it.
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
