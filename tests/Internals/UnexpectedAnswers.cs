using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace OrleansKms.Tests.Internals;

/// <summary>Counts the answers that reach a client of Orleans and belong to no call of it: Orleans logs each and drops it.</summary>
public sealed class UnexpectedAnswers : ILoggerProvider, ILogger
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the first.</summary>
    public Task First => _first.Task;

    public ILogger CreateLogger(string categoryName) => categoryName == typeof(OutsideRuntimeClient).FullName ? this : NullLogger.Instance;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (formatter(state, exception).StartsWith("No callback for response message", StringComparison.Ordinal)) _first.TrySetResult();
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Dispose()
    {
        // What came is asked for afterwards, too.
    }
}
