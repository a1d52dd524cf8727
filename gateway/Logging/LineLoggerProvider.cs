using System.Globalization;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Logging;

/// <summary>
/// Logs to standard output, one line for each event. It replaces the console logger, which makes a system call for each line; at
/// a line a request, that costs as much as the request.
/// </summary>
[ProviderAlias("Lines")]
internal sealed class LineLoggerProvider : ILoggerProvider
{
    private const int Capacity = 8 * 1024 * 1024;

    private readonly ILineFormat _format;
    private readonly TimeProvider _time;
    private readonly LineWriter _writer;

    /// <summary>Starts logging to a stream.</summary>
    public LineLoggerProvider(LogFormat format, Stream output, TimeProvider time)
    {
        _format = format == LogFormat.Json ? new JsonLineFormat() : new TextLineFormat();
        _time = time;
        _writer = new LineWriter(output, Capacity, DroppedLine);
    }

    /// <summary>Whether a change may be made, because there is room for its line.</summary>
    public bool HasRoomForChanges => _writer.HasRoomForChanges;

    /// <inheritdoc cref="LineWriter.ChangesWritten"/>
    public Task ChangesWritten() => _writer.ChangesWritten();

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(categoryName, _format, _writer, _time);

    /// <summary>Writes everything pending.</summary>
    public void Dispose() => _writer.Dispose();

    private byte[] DroppedLine(long dropped)
    {
        var line = new System.Buffers.ArrayBufferWriter<byte>();
        var message = string.Create(CultureInfo.InvariantCulture, $"{dropped} log lines below warning were dropped: standard output is read too slowly.");
        _format.Write(line, new LogEvent(
            _time.GetUtcNow(), LogLevel.Warning, typeof(LineLoggerProvider).FullName!, new EventId(1, "LinesDropped"), message,
            [new("Dropped", dropped)], null));
        return line.WrittenSpan.ToArray();
    }
}
