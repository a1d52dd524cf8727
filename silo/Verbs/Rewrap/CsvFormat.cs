namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>CSV as in RFC 4180, with a header. A field may be in quotation marks and then hold line breaks.</summary>
/// <param name="names">The columns.</param>
internal sealed class CsvFormat(FieldNames names) : ColumnsFormat(names)
{
    private const byte Delimiter = (byte)',';

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
            isStart = bytes[at] == Delimiter;
        }

        return -1;
    }

    /// <inheritdoc/>
    protected override List<Range> Split(ReadOnlySpan<byte> record)
    {
        var end = LengthOf(record);
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
                if (at < end && record[at] != Delimiter) throw new FormatException("Something follows a closing quotation mark.");
            }
            else
            {
                var length = record[at..end].IndexOf(Delimiter);
                at = length < 0 ? end : at + length;
                if (record[start..at].Contains((byte)'"')) throw new FormatException("A quotation mark is within a field that does not begin with one.");
            }

            fields.Add(start..at);
            if (at == end) return fields;
            at++;
        }
    }

    /// <inheritdoc/>
    protected override bool IsQuoted(ReadOnlySpan<byte> field) => field is [(byte)'"', ..];

    /// <inheritdoc/>
    protected override string Unquote(string field) =>
        field is ['"', .. var quoted, '"'] ? quoted.Replace("\"\"", "\"", StringComparison.Ordinal) : field;
}
