using System.Buffers;

namespace OrleansKms.Gateway.Logging;

/// <summary>One category's logger: formats the event on the caller's thread and hands the line to the writer.</summary>
internal sealed class LineLogger(string category, ILineFormat format, LineWriter writer, TimeProvider time) : ILogger
{
    private const int LargestKeptBuffer = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    /// <inheritdoc/>
    /// <remarks>The levels are filtered before this, by the logger factory.</remarks>
    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var buffer = _buffer ?? new ArrayBufferWriter<byte>(1024);
        _buffer = null; // a formatter that logs itself must not write into the same buffer
        if (state is IJsonEvent jsonEvent && format is JsonLineFormat)
        {
            JsonLineFormat.Write(buffer, time.GetUtcNow(), logLevel, category, eventId, jsonEvent);
        }
        else
        {
            format.Write(buffer, new LogEvent(
                time.GetUtcNow(), logLevel, category, eventId, formatter(state, exception),
                state as IReadOnlyList<KeyValuePair<string, object?>>, exception));
        }

        writer.Write(buffer.WrittenSpan, mayDrop: logLevel < LogLevel.Warning);
        if (buffer.Capacity > LargestKeptBuffer) return;
        buffer.ResetWrittenCount();
        _buffer = buffer;
    }
}

/// <summary>What one line says.</summary>
internal readonly record struct LogEvent(
    DateTimeOffset Time,
    LogLevel Level,
    string Category,
    EventId Id,
    string Message,
    IReadOnlyList<KeyValuePair<string, object?>>? Properties,
    Exception? Exception);

/// <summary>One way to write an event as one line.</summary>
internal interface ILineFormat
{
    /// <summary>Appends the event and a line feed. No value of the event can end the line or begin another.</summary>
    void Write(IBufferWriter<byte> output, in LogEvent logEvent);
}
