using System.Buffers;
using System.Globalization;
using System.Text;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Logging;

/// <summary>An event as one line of text: time, level, category, message, exception.</summary>
internal sealed class TextLineFormat : ILineFormat
{
    /// <inheritdoc/>
    public void Write(IBufferWriter<byte> output, in LogEvent logEvent)
    {
        var line = new StringBuilder(256)
            .Append(logEvent.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture))
            .Append(' ').Append(LevelNames.Of(logEvent.Level).PadRight(5))
            .Append(' ').Append(logEvent.Category.AsSpan(logEvent.Category.LastIndexOf('.') + 1))
            .Append(": ");
        AppendEscaped(line, logEvent.Message);
        AppendUnnamed(line, logEvent.Properties);
        if (logEvent.Exception is { } exception) AppendEscaped(line.Append(" | "), exception);
        line.Append('\n');
        Encoding.UTF8.GetBytes(line.ToString(), output);
    }

    /// <summary>Appends the properties that the message does not name.</summary>
    private static void AppendUnnamed(StringBuilder line, IReadOnlyList<KeyValuePair<string, object?>>? properties)
    {
        var template = properties?.FirstOrDefault(p => p.Key == "{OriginalFormat}").Value as string;
        foreach (var (name, value) in properties ?? [])
        {
            if (value is null || template is null || value == (object)template
                || template.Contains('{' + name, StringComparison.OrdinalIgnoreCase)) continue;
            line.Append(' ').Append(name).Append('=');
            AppendEscaped(line, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        }
    }

    /// <summary>
    /// Control characters are shown as escapes, so that input from a caller cannot forge a line or control a terminal.
    /// </summary>
    private static void AppendEscaped(StringBuilder line, string text)
    {
        foreach (var c in text)
        {
            if (!char.IsControl(c) && c is not ('\u2028' or '\u2029')) line.Append(c);
            else if (c == '\n') line.Append("\\n");
            else if (c != '\r') line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
    }
}
