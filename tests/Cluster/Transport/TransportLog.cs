using Microsoft.Extensions.Logging;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>What a process said about its connections; tests wait here for what should be said.</summary>
internal sealed class TransportLog : ILoggerProvider, ILogger
{
    private const string Category = "OrleansKms.Transport";

    private readonly List<string> _lines = [];
    private readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Found)> _waiting = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    /// <summary>The first line, said or yet to be said, that holds all of these.</summary>
    public async Task<string> Line(params string[] parts)
    {
        try
        {
            return await Find(parts).WaitAsync(TlsHost.Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"No line says \"{string.Join("\" and \"", parts)}\":\n{string.Join('\n', Lines)}", e);
        }
    }

    private Task<string> Find(string[] parts)
    {
        bool Wanted(string line) => parts.All(part => line.Contains(part, StringComparison.Ordinal));
        lock (_lines)
        {
            if (_lines.Find(Wanted) is { } line) return Task.FromResult(line);
            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((Wanted, found));
            return found.Task;
        }
    }

    public ILogger CreateLogger(string categoryName) => categoryName == Category
        ? this
        : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var line = $"{logLevel}: {formatter(state, exception)} {exception}";
        lock (_lines)
        {
            _lines.Add(line);
            foreach (var (wanted, found) in _waiting)
            {
                if (wanted(line)) found.TrySetResult(line);
            }
        }
    }

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Dispose()
    {
        // Lines are read after the host is gone, too.
    }
}
