using System.Buffers;
using System.Buffers.Text;
using System.Text;
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

/// <summary>
/// Formats records as JSON. It writes the bytes itself, since every answer pays for its record: a <see cref="Utf8JsonWriter"/> takes
/// twice as long.
/// </summary>
internal sealed class AuditRecordFormat
{
    private const int MaxText = 512;

    // The longest form of a character is an escape such as \uFFFD.
    private const int MaxBytesOfChar = 6;
    private const int MaxDigits = 20;
    private const int MaxTime = 33;

    [ThreadStatic]
    private static AuditRecordFormat? _ofThread;

    // The JSON is not embedded in HTML, so names of keys and principals need no extra escaping.
    private static readonly JavaScriptEncoder _encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    private static readonly SearchValues<char> _plain =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(code => (char)code).Where(c => c is not ('"' or '\\'))]);

    private byte[] _buffer = new byte[1024];
    private int _length;

    private AuditRecordFormat()
    {
    }

    /// <summary>The members of a record's JSON object, without braces; valid until this thread writes its next record.</summary>
    public static ReadOnlySpan<byte> Members(in AuditRecord record, JsonEncodedText log, DateTime utc, AssociatedDataMac mac) =>
        (_ofThread ??= new()).Write(record, log, utc, mac);

    private ReadOnlySpan<byte> Write(in AuditRecord record, JsonEncodedText log, DateTime utc, AssociatedDataMac mac)
    {
        _length = 0;
        PutTime(record.At?.UtcDateTime ?? utc);
        Put("\",\"log\":\""u8);
        Put(log.EncodedUtf8Bytes);
        Put("\""u8);
        if (record.Caller is { } caller)
        {
            PutText(",\"request_id\":\""u8, caller.RequestId);
            PutText(",\"trace_id\":\""u8, caller.TraceId);
            PutText(",\"principal\":\""u8, caller.Principal);
            PutText(",\"credential\":\""u8, caller.Credential);
            PutText(",\"source\":\""u8, caller.Source);
        }

        PutText(",\"action\":\""u8, record.Action);
        PutText(",\"key_id\":\""u8, record.KeyId);
        PutNumber(",\"key_version\":"u8, record.KeyVersion);
        PutText(",\"alias\":\""u8, record.Alias);
        PutText(",\"outcome\":\""u8, record.Outcome);
        PutNumber(",\"bytes\":"u8, record.Bytes);
        PutNumber(",\"items\":"u8, record.Items);
        PutNumber(",\"failed_items\":"u8, record.FailedItems);
        PutNumber(",\"times\":"u8, record.Times);
        PutMac(mac, record.AssociatedData);
        PutNumber(",\"revision\":"u8, record.Revision);
        PutText(",\"detail\":\""u8, record.Detail);
        return _buffer.AsSpan(0, _length);
    }

    /// <summary>With all digits, so that texts sort as times do.</summary>
    private void PutTime(DateTime utc)
    {
        Put("\"time\":\""u8);
        Utf8Formatter.TryFormat(utc, Room(MaxTime), out var length, 'O');
        _length += length;
    }

    private void PutText(ReadOnlySpan<byte> before, string? value)
    {
        if (value is null)
        {
            return;
        }

        // A .NET caller can claim anything, and a record has a maximum length.
        var text = value.AsSpan(0, Math.Min(value.Length, MaxText));
        Put(before);
        var room = Room((text.Length * MaxBytesOfChar) + 1);
        var length = text.ContainsAnyExcept(_plain) ? Escape(text, room) : Encoding.ASCII.GetBytes(text, room);
        room[length] = (byte)'"';
        _length += length + 1;
    }

    // Databases reject a NUL.
    private static int Escape(ReadOnlySpan<char> text, Span<byte> room) =>
        Encoding.UTF8.GetBytes(_encoder.Encode(text.ToString().Replace('\0', '\uFFFD')), room);

    private void PutNumber(ReadOnlySpan<byte> before, long? value)
    {
        if (value is { } number)
        {
            Put(before);
            Utf8Formatter.TryFormat(number, Room(MaxDigits), out var length);
            _length += length;
        }
    }

    private void PutMac(AssociatedDataMac mac, ReadOnlyMemory<byte>? associatedData)
    {
        if (associatedData is { } data)
        {
            Span<byte> tag = stackalloc byte[AssociatedDataMac.Length];
            mac.Compute(data.Span, tag);
            Put(",\"associated_data_hmac\":\""u8);
            Base64.EncodeToUtf8(tag, Room(Base64.GetMaxEncodedToUtf8Length(tag.Length)), out _, out var length);
            _length += length;
            Put("\""u8);
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - _length < bytes)
        {
            Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _length + bytes));
        }

        return _buffer.AsSpan(_length);
    }
}
