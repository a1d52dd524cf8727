using System.Collections;
using System.Globalization;
using System.Text.Json;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// The log line of one request. Each request makes one, so it writes itself as JSON: nothing is boxed and no text is formatted.
/// Other loggers see an ordinary event, with the same values under the same names.
/// </summary>
internal sealed class RequestLine(Exchange exchange, string method, string route, double durationMs)
    : IJsonEvent, IReadOnlyList<KeyValuePair<string, object?>>
{
    private const int MaxSpan = 256;
    private const string Template = "{Method} {Route} {Status}";

    /// <summary>The names of the values, in their order.</summary>
    private static readonly string[] Names =
    [
        "Method", "Route", "Status", "Code", "DurationMs", "RequestId", "TraceId", "Principal", "KeyId", "RequestBytes", "ResponseBytes",
    ];

    private static readonly JsonEncodedText[] _names =
        [.. Names.Select(name => JsonEncodedText.Encode(JsonNamingPolicy.SnakeCaseLower.ConvertName(name)))];

    private readonly string? _traceId = exchange.TraceId;

    /// <inheritdoc/>
    public int Count => Names.Length + 1;

    private int Status => exchange.Http.Response.StatusCode;

    /// <inheritdoc/>
    public KeyValuePair<string, object?> this[int index] => index == Names.Length
        ? new("{OriginalFormat}", Template)
        : new(Names[index], index switch
        {
            0 => method,
            1 => route,
            2 => Status,
            3 => exchange.Code,
            4 => durationMs,
            5 => exchange.RequestId,
            6 => _traceId,
            7 => exchange.Principal?.Name,
            8 => exchange.KeyId,
            9 => exchange.RequestBytes,
            10 => exchange.ResponseBytes,
            _ => throw new ArgumentOutOfRangeException(nameof(index)),
        });

    /// <inheritdoc/>
    public void WriteMessage(Utf8JsonWriter json, JsonEncodedText name)
    {
        Span<char> text = stackalloc char[MaxSpan];
        if (text.TryWrite(CultureInfo.InvariantCulture, $"{method} {route} {Status}", out var length))
        {
            json.WriteString(name, text[..length]);
        }
        else
        {
            json.WriteString(name, ToString());
        }
    }

    /// <inheritdoc/>
    public void WriteProperties(Utf8JsonWriter json)
    {
        json.WriteString(_names[0], method);
        json.WriteString(_names[1], route);
        json.WriteNumber(_names[2], Status);
        json.WriteString(_names[3], exchange.Code);
        json.WriteNumber(_names[4], durationMs);
        json.WriteString(_names[5], exchange.RequestId);
        json.WriteString(_names[6], _traceId);
        json.WriteString(_names[7], exchange.Principal?.Name);
        json.WriteString(_names[8], exchange.KeyId);
        json.WriteNumber(_names[9], exchange.RequestBytes);
        json.WriteNumber(_names[10], exchange.ResponseBytes);
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The message.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{method} {route} {Status}");
}
