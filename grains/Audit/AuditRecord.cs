using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansKms.Grains.Audit;

/// <summary>One event. It never contains plaintext, key material or a token, nor anything that would reveal them.</summary>
/// <param name="Action">The operation's name in the table of operations, or what the service did by itself.</param>
/// <param name="Outcome">The error code, or <see cref="Ok"/>.</param>
internal readonly record struct AuditRecord(string Action, string Outcome)
{
    /// <summary>The outcome of a success.</summary>
    public const string Ok = "ok";

    /// <summary>When it happened, UTC; null for now.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>The caller; null for the service itself.</summary>
    public Caller? Caller { get; init; }

    /// <summary>The key.</summary>
    public string? KeyId { get; init; }

    /// <summary>The version used or changed.</summary>
    public int? KeyVersion { get; init; }

    /// <summary>The alias.</summary>
    public string? Alias { get; init; }

    /// <summary>The plaintext's length in bytes.</summary>
    public long? Bytes { get; init; }

    /// <summary>The number of items in a batch; null if it is not a batch.</summary>
    public int? Items { get; init; }

    /// <summary>The number of items that failed.</summary>
    public int? FailedItems { get; init; }

    /// <summary>
    /// The associated data. Only an HMAC of it under a key of the service is recorded, so that equal values can be found.
    /// </summary>
    public ReadOnlyMemory<byte>? AssociatedData { get; init; }

    /// <summary>How many identical calls the record stands for; null for one.</summary>
    public int? Times { get; init; }

    /// <summary>The row's revision after the change.</summary>
    public long? Revision { get; init; }

    /// <summary>Anything else an operator needs to know.</summary>
    public string? Detail { get; init; }
}

/// <summary>Writes records as JSON.</summary>
#pragma warning disable CA1001 // One for each thread, for as long as that lives; the writer holds nothing to let go of.
internal sealed class AuditRecordFormat
#pragma warning restore CA1001
{
    private const int MaxText = 512;

    [ThreadStatic]
    private static AuditRecordFormat? _ofThread;

    // The JSON is not embedded in HTML, so names of keys and principals need no extra escaping.
    private static readonly JsonWriterOptions _options = new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonEncodedText _time = JsonEncodedText.Encode("time"), _log = JsonEncodedText.Encode("log"),
        _requestId = JsonEncodedText.Encode("request_id"), _traceId = JsonEncodedText.Encode("trace_id"), _credential = JsonEncodedText.Encode("credential"), _principal = JsonEncodedText.Encode("principal"),
        _source = JsonEncodedText.Encode("source"), _action = JsonEncodedText.Encode("action"), _keyId = JsonEncodedText.Encode("key_id"),
        _keyVersion = JsonEncodedText.Encode("key_version"), _alias = JsonEncodedText.Encode("alias"),
        _outcome = JsonEncodedText.Encode("outcome"), _bytes = JsonEncodedText.Encode("bytes"), _items = JsonEncodedText.Encode("items"),
        _failedItems = JsonEncodedText.Encode("failed_items"), _times = JsonEncodedText.Encode("times"), _hmac = JsonEncodedText.Encode("associated_data_hmac"),
        _revision = JsonEncodedText.Encode("revision"), _detail = JsonEncodedText.Encode("detail");

    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly Utf8JsonWriter _json;

    private AuditRecordFormat() => _json = new(_buffer, _options);

    /// <summary>The members of a record's JSON object, without braces; valid until this thread writes its next record.</summary>
    public static ReadOnlySpan<byte> Members(in AuditRecord record, JsonEncodedText log, DateTime utc, AssociatedDataMac mac) =>
        (_ofThread ??= new()).Write(record, log, utc, mac);

    private ReadOnlySpan<byte> Write(in AuditRecord record, JsonEncodedText log, DateTime utc, AssociatedDataMac mac)
    {
        _buffer.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        WriteTime(record.At?.UtcDateTime ?? utc);
        _json.WriteString(_log, log);
        if (record.Caller is { } caller)
        {
            WriteText(_requestId, caller.RequestId);
            WriteText(_traceId, caller.TraceId);
            WriteText(_principal, caller.Principal);
            WriteText(_credential, caller.Credential);
            WriteText(_source, caller.Source);
        }

        _json.WriteString(_action, record.Action);
        WriteText(_keyId, record.KeyId);
        WriteNumber(_keyVersion, record.KeyVersion);
        WriteText(_alias, record.Alias);
        _json.WriteString(_outcome, record.Outcome);
        WriteNumber(_bytes, record.Bytes);
        WriteNumber(_items, record.Items);
        WriteNumber(_failedItems, record.FailedItems);
        WriteNumber(_times, record.Times);
        if (record.AssociatedData is { } associatedData)
        {
            Span<byte> tag = stackalloc byte[AssociatedDataMac.Length];
            mac.Compute(associatedData.Span, tag);
            _json.WriteBase64String(_hmac, tag);
        }

        WriteNumber(_revision, record.Revision);
        WriteText(_detail, record.Detail);
        _json.WriteEndObject();
        _json.Flush();
        return _buffer.WrittenSpan[1..^1];
    }

    /// <summary>With all digits, so that texts sort as times do.</summary>
    private void WriteTime(DateTime utc)
    {
        Span<byte> text = stackalloc byte[33];
        Utf8Formatter.TryFormat(utc, text, out var length, 'O');
        _json.WriteString(_time, text[..length]);
    }

    private void WriteText(JsonEncodedText name, string? value)
    {
        if (value is not null)
        {
            // A .NET caller can claim anything, and a record has a maximum length.
            var text = value.AsSpan(0, Math.Min(value.Length, MaxText));

            // Databases reject a NUL.
            _json.WriteString(name, text.Contains('\0') ? text.ToString().Replace('\0', '\uFFFD') : text);
        }
    }

    private void WriteNumber(JsonEncodedText name, long? value)
    {
        if (value is { } number)
        {
            _json.WriteNumber(name, number);
        }
    }
}
