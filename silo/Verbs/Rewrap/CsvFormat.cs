using System.Text;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// CSV as in RFC 4180, with a header that names the columns. A field may be in quotation marks and then hold line breaks. Only the
/// ciphertext is replaced; every other byte of the record stays.
/// </summary>
/// <param name="names">The columns.</param>
/// <param name="delimiter">What separates fields; nothing that occurs in base64.</param>
internal sealed class CsvFormat(FieldNames names, byte delimiter) : RecordFormat
{
    private int _columns;
    private int _ciphertext;
    private int? _associatedData;
    private int? _key;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <inheritdoc/>
    public override bool HasHeader => true;

    /// <inheritdoc/>
    public override int EndOf(ReadOnlySpan<byte> bytes)
    {
        for (var (at, isStart) = (0, true); at < bytes.Length; at++)
        {
            if (isStart && bytes[at] == '"')
            {
                // To the mark that ends the field: two of them stand for one within it.
                for (at++; ; at++)
                {
                    var mark = bytes[at..].IndexOf((byte)'"');
                    if (mark < 0) return -1;
                    at += mark;
                    if (at + 1 == bytes.Length) return -1;
                    if (bytes[at + 1] != '"') break;
                    at++;
                }

                isStart = false;
                continue;
            }

            if (bytes[at] == '\n') return at + 1;
            isStart = bytes[at] == delimiter;
        }

        return -1;
    }

    /// <inheritdoc/>
    public override void ReadHeader(ReadOnlySpan<byte> record)
    {
        var mark = record.StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;
        List<string> columns;
        try
        {
            var header = record[mark..].ToArray();
            columns = [.. Split(header).Select(field => TextOf(header, field))];
        }
        catch (FormatException e)
        {
            throw VerbException.Usage($"The first line of the file is no header of CSV: {e.Message}", inner: e);
        }

        _columns = columns.Count;
        _ciphertext = ColumnOf(names.Ciphertext, columns);
        _associatedData = names.AssociatedData is { } associatedData ? ColumnOf(associatedData, columns) : null;
        _key = names.Key is { } key ? ColumnOf(key, columns) : null;
    }

    /// <inheritdoc/>
    public override RecordFields Read(ReadOnlySpan<byte> record)
    {
        if (record.Trim("\r\n"u8).IsEmpty) return default;
        var fields = Split(record);
        if (fields.Count != _columns) throw new FormatException(FormattableString.Invariant($"The record has {fields.Count} fields, and the header {_columns}."));
        var (ciphertext, place) = (TextOf(record, fields[_ciphertext]), fields[_ciphertext]);
        var associatedData = _associatedData is { } column ? TextOf(record, fields[column]) : null;
        return new(
            place, record[place] is [(byte)'"', ..], ciphertext.Length == 0 ? null : Decode(ciphertext, names.Ciphertext),
            associatedData is null or "" ? null : names.AssociatedDataIsText ? Encoding.UTF8.GetBytes(associatedData) : Decode(associatedData, names.AssociatedData!),
            _key is { } keys && TextOf(record, fields[keys]) is { Length: > 0 } key ? key : null);
    }

    private List<Range> Split(ReadOnlySpan<byte> record)
    {
        var end = record.EndsWith("\r\n"u8) ? record.Length - 2 : record.EndsWith("\n"u8) ? record.Length - 1 : record.Length;
        var fields = new List<Range>();
        for (var at = 0; ;)
        {
            var start = at;
            if (at < end && record[at] == '"')
            {
                for (at++; ; at += 2)
                {
                    var mark = record[at..end].IndexOf((byte)'"');
                    if (mark < 0) throw new FormatException("A quotation mark is never closed.");
                    at += mark;
                    if (at + 1 >= end || record[at + 1] != '"') break;
                }

                at++;
                if (at < end && record[at] != delimiter) throw new FormatException("Something follows a closing quotation mark.");
            }
            else
            {
                var length = record[at..end].IndexOf(delimiter);
                at = length < 0 ? end : at + length;
                if (record[start..at].Contains((byte)'"')) throw new FormatException("A quotation mark is within a field that does not begin with one.");
            }

            fields.Add(start..at);
            if (at == end) return fields;
            at++;
        }
    }

    private static string TextOf(ReadOnlySpan<byte> record, Range field)
    {
        var bytes = record[field];
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
            return text is ['"', .. var quoted, '"'] ? quoted.Replace("\"\"", "\"", StringComparison.Ordinal) : text;
        }
        catch (DecoderFallbackException)
        {
            throw new FormatException("The record is not text in UTF-8.");
        }
    }

    private static int ColumnOf(string name, List<string> columns)
    {
        var column = columns.IndexOf(name);
        if (column < 0) throw VerbException.Usage($"The header has no column {name}.", $"It has: {string.Join(", ", columns)}");
        return columns.LastIndexOf(name) == column ? column : throw VerbException.Usage($"The header has the column {name} twice.");
    }
}
