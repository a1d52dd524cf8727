using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Logging;

/// <summary>
/// An event as one JSON object: <c>time</c>, <c>level</c>, <c>category</c>, <c>event</c>, <c>message</c>, then the event's own
/// properties in snake_case, then <c>exception</c>.
/// </summary>
internal sealed class JsonLineFormat : ILineFormat
{
    private const string MessageTemplate = "{OriginalFormat}";
    private const int MaxNames = 4096;

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        // The lines are not embedded in HTML. Control characters, quotes and line ends are escaped regardless.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private static readonly JsonEncodedText Time = JsonEncodedText.Encode("time");
    private static readonly JsonEncodedText Level = JsonEncodedText.Encode("level");
    private static readonly JsonEncodedText Category = JsonEncodedText.Encode("category");
    private static readonly JsonEncodedText Event = JsonEncodedText.Encode("event");
    private static readonly JsonEncodedText Message = JsonEncodedText.Encode("message");
    private static readonly JsonEncodedText Exception = JsonEncodedText.Encode("exception");
    private static readonly HashSet<string> Reserved = ["time", "level", "category", "event", "message", "exception"];

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    private readonly ConcurrentDictionary<string, JsonEncodedText> _names = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Write(IBufferWriter<byte> output, in LogEvent logEvent)
    {
        var json = Begin(output, logEvent.Time, logEvent.Level, logEvent.Category, logEvent.Id);
        json.WriteString(Message, logEvent.Message);
        WriteProperties(json, logEvent.Properties);
        if (logEvent.Exception is { } exception) json.WriteString(Exception, exception);
        End(json, output);
    }

    /// <summary>Writes an event that writes itself.</summary>
    public static void Write(
        IBufferWriter<byte> output, DateTimeOffset time, LogLevel level, string category, EventId id, IJsonEvent jsonEvent)
    {
        var json = Begin(output, time, level, category, id);
        jsonEvent.WriteMessage(json, Message);
        jsonEvent.WriteProperties(json);
        End(json, output);
    }

    private static Utf8JsonWriter Begin(IBufferWriter<byte> output, DateTimeOffset time, LogLevel level, string category, EventId id)
    {
        var json = _writer ??= new Utf8JsonWriter(output, WriterOptions);
        json.Reset(output);
        json.WriteStartObject();
        json.WriteString(Time, time.UtcDateTime);
        json.WriteString(Level, LevelNames.Of(level));
        json.WriteString(Category, category);
        if (id.Name is { } name) json.WriteString(Event, name);
        return json;
    }

    private static void End(Utf8JsonWriter json, IBufferWriter<byte> output)
    {
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }

    private void WriteProperties(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>>? properties)
    {
        for (var i = 0; i < properties?.Count; i++)
        {
            var (name, value) = properties[i];
            if (name == MessageTemplate) continue;
            WriteProperty(json, Encode(name), value);
        }
    }

    private static void WriteProperty(Utf8JsonWriter json, JsonEncodedText name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case string text: json.WriteString(name, text); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            case bool truth: json.WriteBoolean(name, truth); break;
            case IFormattable formattable:
                json.WriteString(name, formattable.ToString(null, System.Globalization.CultureInfo.InvariantCulture));
                break;
            default: json.WriteString(name, value.ToString()); break;
        }
    }

    private JsonEncodedText Encode(string name)
    {
        if (_names.TryGetValue(name, out var known)) return known;
        var snakeCase = JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
        var encoded = JsonEncodedText.Encode(Reserved.Contains(snakeCase) ? snakeCase + "_" : snakeCase);
        // Names come from message templates, of which there are few; this bounds memory should anything ever log made-up names.
        if (_names.Count < MaxNames) _names.TryAdd(name, encoded);
        return encoded;
    }
}
