using System.Buffers;

namespace OrleansKms.Gateway.Logging;

/// <summary>One category's logger: formats the event on the caller's thread and hands the line to the writer.</summary>
internal sealed class LineLogger(string category, ILineFormat format, LineWriter writer, TimeProvider time) : ILogger
{
    private const int MaxKeptBuffer = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    private readonly LogLevel _floor = LogCategories.Floor(category);
    private readonly bool _isOurs = LogCategories.IsOurs(category);
    private readonly bool _isChange = category == LogCategories.Changes;

    /// <inheritdoc/>
    /// <remarks>The logger factory filters levels before this; what a category must never log is filtered here.</remarks>
    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && logLevel >= _floor;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        // Not every caller checks first.
        if (!IsEnabled(logLevel)) return;
        var buffer = _buffer ?? new ArrayBufferWriter<byte>(1024);
        _buffer = null; // a formatter that logs itself must not write into the same buffer
        if (state is IJsonEvent jsonEvent && format is JsonLineFormat)
        {
            JsonLineFormat.Write(buffer, time.GetUtcNow(), logLevel, category, eventId, jsonEvent);
        }
        else
        {
            var message = formatter(state, exception);
            var properties = state as IReadOnlyList<KeyValuePair<string, object?>>;
            format.Write(buffer, new LogEvent(
                time.GetUtcNow(), logLevel, category, eventId, _isOurs ? message : Redaction.Apply(message),
                _isOurs ? properties : Redacted(properties), exception is null ? null : Redaction.Apply(exception.ToString())));
        }

        if (_isChange) writer.WriteChange(buffer.WrittenSpan);
        else writer.Write(buffer.WrittenSpan, mayDrop: logLevel < LogLevel.Warning);
        if (buffer.Capacity > MaxKeptBuffer) return;
        buffer.ResetWrittenCount();
        _buffer = buffer;
    }

    // Of other code's values only text and plain values are written: anything else is whatever its ToString returns.
    internal static List<KeyValuePair<string, object?>>? Redacted(IReadOnlyList<KeyValuePair<string, object?>>? properties) =>
        properties?.Select(property => KeyValuePair.Create(property.Key, property.Value switch
        {
            null => null,
            bool or int or long or double => property.Value,
            var value => (object?)Redaction.Apply(Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? ""),
        })).ToList();
}

/// <summary>The content of one line.</summary>
/// <param name="Time">When it happened.</param>
/// <param name="Level">The severity.</param>
/// <param name="Category">The source.</param>
/// <param name="Id">The event.</param>
/// <param name="Message">The text.</param>
/// <param name="Properties">The values.</param>
/// <param name="Exception">The text of the exception, or null.</param>
internal readonly record struct LogEvent(
    DateTimeOffset Time,
    LogLevel Level,
    string Category,
    EventId Id,
    string Message,
    IReadOnlyList<KeyValuePair<string, object?>>? Properties,
    string? Exception);

/// <summary>One way to write an event as one line.</summary>
internal interface ILineFormat
{
    /// <summary>Appends the event and a line feed. No value of the event can end the line or begin another.</summary>
    void Write(IBufferWriter<byte> output, in LogEvent logEvent);
}
