using OpenTelemetry;
using OpenTelemetry.Logs;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Gateway.Observability;

/// <summary>
/// Sends log records under the rules of lines on standard output: what a category must never log is dropped, whatever the configuration
/// asks for, and the texts of other code's records pass <see cref="Redaction"/>.
/// </summary>
/// <param name="sending">Sends them.</param>
internal sealed class SafeLogs(BaseProcessor<LogRecord> sending) : CompositeProcessor<LogRecord>([sending])
{
    private const string StackTrace = "exception.stacktrace";

    /// <inheritdoc/>
    public override void OnEnd(LogRecord data)
    {
        var category = data.CategoryName ?? "";
        if (data.LogLevel < LogCategories.Floor(category)) return;
        if (!LogCategories.IsOurs(category)) Redact(data);
        if (data.Exception is { } exception)
        {
            // As a text, which can be redacted.
            data.Attributes = [.. data.Attributes ?? [], new(StackTrace, Redaction.Apply(exception.ToString()))];
            data.Exception = null;
        }

        base.OnEnd(data);
    }

    private static void Redact(LogRecord record)
    {
        if (record.FormattedMessage is { } message) record.FormattedMessage = Redaction.Apply(message);
        if (record.Body is { } body) record.Body = Redaction.Apply(body);
        if (record.Attributes is { } attributes) record.Attributes = LineLogger.Redacted(attributes);
    }
}
