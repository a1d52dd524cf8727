namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// Fields between tabs, as <c>text/tab-separated-values</c> has them and databases write them: a quotation mark is a character like any
/// other, and each line is a record. Were it the beginning of a quoted field, it would swallow the lines up to the next one.
/// </summary>
/// <param name="names">The columns.</param>
internal sealed class TsvFormat(FieldNames names) : ColumnsFormat(names)
{
    /// <inheritdoc/>
    public override int EndOf(ReadOnlySpan<byte> bytes) => bytes.IndexOf((byte)'\n') + 1 is > 0 and var end ? end : -1;

    /// <inheritdoc/>
    protected override List<Range> Split(ReadOnlySpan<byte> record)
    {
        var fields = new List<Range>();
        foreach (var field in record[..LengthOf(record)].Split((byte)'\t')) fields.Add(field);
        return fields;
    }
}
