namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>Reads a file record by record.</summary>
/// <param name="file">The file, where the first record begins.</param>
/// <param name="format">How it is written.</param>
/// <param name="line">The number of the line there, from 1.</param>
internal sealed class RecordReader(Stream file, RecordFormat format, long line)
{
    private byte[] _buffer = new byte[256 * 1024];
    private int _start;
    private int _end;
    private bool _isAtEnd;

    /// <summary>The number of the line on which the next record begins.</summary>
    public long Line { get; private set; } = line;

    /// <summary>Reads a record with its line end; null at the end of the file.</summary>
    /// <exception cref="VerbException">It is too long.</exception>
    public byte[]? Read()
    {
        while (true)
        {
            var read = _buffer.AsSpan(_start, _end - _start);
            var length = read.IsEmpty ? -1 : format.EndOf(read);
            if (length < 0 && _isAtEnd) length = read.Length > 0 ? read.Length : -1;
            if (length > 0)
            {
                var record = read[..length].ToArray();
                _start += length;
                Line += record.AsSpan().Count((byte)'\n');
                return record;
            }

            if (_isAtEnd) return null;
            Fill();
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            if (_buffer.Length > RecordFormat.MaxRecord)
            {
                throw VerbException.Usage(FormattableString.Invariant($"The record in line {Line} has more than {RecordFormat.MaxRecord} bytes."));
            }

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        var count = file.Read(_buffer, _end, _buffer.Length - _end);
        _isAtEnd = count == 0;
        _end += count;
    }
}
