using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace OrleansKms.Gateway.Logging;

/// <summary>What a process logs.</summary>
/// <param name="Level">The lowest level.</param>
/// <param name="Requests">Whether each request has its line.</param>
/// <param name="Until">When that ends and what was set at the start returns, UTC; null for the end of the process.</param>
internal sealed record LogChoice(LogLevel Level, bool Requests, DateTimeOffset? Until = null);

/// <summary>
/// What this process logs, which can be changed while it runs. The loggers know their level, so a line that is off costs what it always
/// did: one comparison. A change makes them ask again (<see cref="IOptionsChangeTokenSource{TOptions}"/>).
/// </summary>
/// <param name="level">The level that was set.</param>
/// <param name="requests">Whether requests were to be logged.</param>
/// <param name="time">The clock.</param>
internal sealed class LogSwitch(LogLevel level, bool requests, TimeProvider time) : IOptionsChangeTokenSource<LoggerFilterOptions>, IDisposable
{
    private readonly Lock _lock = new();
    private CancellationTokenSource _changed = new();
    private ITimer? _end;

    /// <summary>What was set at the start.</summary>
    public LogChoice AtStart { get; } = new(level, requests);

    /// <summary>What holds now.</summary>
    public LogChoice Current { get; private set => Volatile.Write(ref field, value); } = new(level, requests);

    /// <summary>What holds now was changed.</summary>
    public event Action<LogChoice>? Changed;

    /// <inheritdoc/>
    public string Name => Options.DefaultName;

    /// <inheritdoc/>
    public IChangeToken GetChangeToken()
    {
        lock (_lock) return new CancellationChangeToken(_changed.Token);
    }

    /// <summary>Changes it; what is null goes back to what was set at the start.</summary>
    /// <param name="newLevel">The level.</param>
    /// <param name="newRequests">Whether requests are logged.</param>
    /// <param name="life">How long that holds; null for as long as the process runs.</param>
    public LogChoice Set(LogLevel? newLevel, bool? newRequests, TimeSpan? life)
    {
        var choice = new LogChoice(newLevel ?? AtStart.Level, newRequests ?? AtStart.Requests, life is { } span ? time.GetUtcNow() + span : null);
        Take(choice, life);
        return choice;
    }

    /// <summary>Goes back to what was set at the start.</summary>
    public void Reset() => Take(AtStart, null);

    /// <inheritdoc/>
    public void Dispose()
    {
        _end?.Dispose();
        _changed.Dispose();
    }

    private void Take(LogChoice choice, TimeSpan? life)
    {
        CancellationTokenSource before;
        lock (_lock)
        {
            _end?.Dispose();
            Current = choice;
            _end = life is { } span ? time.CreateTimer(_ => End(choice), null, span, Timeout.InfiniteTimeSpan) : null;
            (before, _changed) = (_changed, new());
        }

        before.Cancel();
        before.Dispose();
        Changed?.Invoke(choice);
    }

    // A timer may fire although its choice was replaced a moment before.
    private void End(LogChoice choice)
    {
        if (ReferenceEquals(Current, choice)) Reset();
    }
}
