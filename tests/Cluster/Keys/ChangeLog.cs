using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>The changes that silos have logged.</summary>
internal sealed class ChangeLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _changes = new();
    private readonly SemaphoreSlim _added = new(0);

    public int Count(string operation) => _changes.Count(c => c == operation);

    /// <summary>Completes when a change of this kind has been logged.</summary>
    public async Task Until(string operation, CancellationToken cancellationToken)
    {
        while (Count(operation) == 0)
        {
            await _added.WaitAsync(cancellationToken);
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (state is IReadOnlyList<KeyValuePair<string, object?>> fields && fields.FirstOrDefault(f => f.Key == "Operation").Value is string operation)
        {
            _changes.Enqueue(operation);
            _added.Release();
        }
    }

    public void Dispose()
    {
    }
}
