using System.Text;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>Records of fields, after a header that names the columns. Only the ciphertext is replaced; every other byte of the record stays.</summary>
/// <param name="names">The columns.</param>
internal abstract class ColumnsFormat(FieldNames names) : RecordFormat
{
    private int _columns;
    private int _ciphertext;
    private int? _associatedData;
    private int? _key;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <inheritdoc/>
    public override bool HasHeader => true;

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
            throw VerbException.Usage($"The first line of the file is no header: {e.Message}", inner: e);
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
            place, IsQuoted(record[place]), ciphertext.Length == 0 ? null : Decode(ciphertext, names.Ciphertext),
            associatedData is null or "" ? null : names.AssociatedDataIsText ? Encoding.UTF8.GetBytes(associatedData) : Decode(associatedData, names.AssociatedData!),
            _key is { } keys && TextOf(record, fields[keys]) is { Length: > 0 } key ? key : null);
    }

    /// <summary>Where the fields of a record are, with their quotation marks.</summary>
    /// <exception cref="FormatException">It is malformed.</exception>
    protected abstract List<Range> Split(ReadOnlySpan<byte> record);

    /// <summary>Whether a field is in quotation marks.</summary>
    protected virtual bool IsQuoted(ReadOnlySpan<byte> field) => false;

    /// <summary>What a field says, without the quotation marks around it.</summary>
    protected virtual string Unquote(string field) => field;

    /// <summary>Where a record's line end begins.</summary>
    protected static int LengthOf(ReadOnlySpan<byte> record) =>
        record.EndsWith("\r\n"u8) ? record.Length - 2 : record.EndsWith("\n"u8) ? record.Length - 1 : record.Length;

    private string TextOf(ReadOnlySpan<byte> record, Range field)
    {
        try
        {
            return Unquote(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(record[field]));
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
