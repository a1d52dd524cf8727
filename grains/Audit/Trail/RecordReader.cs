using System.Buffers;
using System.Buffers.Text;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>Reads records from files, line by line.</summary>
internal static class RecordReader
{
    /// <summary>Receives a record: its line without the newline, and the offset of the next line.</summary>
    public delegate bool Visit(ReadOnlySpan<byte> line, long end);

    private const int BufferSize = 256 * 1024;

    /// <summary>Reads complete lines.</summary>
    /// <param name="path">The file.</param>
    /// <param name="start">The offset of a line's start.</param>
    /// <param name="end">The offset to read up to.</param>
    /// <param name="visit">Receives each line; return false to stop.</param>
    /// <returns>The offset after the last line visited. Anything beyond is an incomplete or overlong line.</returns>
    public static long ReadLines(string path, long start, long end, Visit visit)
    {
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan, share: FileShare.ReadWrite | FileShare.Delete);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var (position, kept) = (start, 0);
            while (true)
            {
                var room = (int)Math.Min(buffer.Length - kept, end - position - kept);
                var read = room > 0 ? RandomAccess.Read(file, buffer.AsSpan(kept, room), position + kept) : 0;
                var bytes = buffer.AsSpan(0, kept + read);
                while (bytes.IndexOf((byte)'\n') is var newline and >= 0)
                {
                    position += newline + 1;
                    if (!visit(bytes[..newline], position))
                    {
                        return position;
                    }

                    bytes = bytes[(newline + 1)..];
                }

                if (read == 0 || bytes.Length > RecordWriter.MaxRecord)
                {
                    return position;
                }

                kept = bytes.Length;
                bytes.CopyTo(buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A record's line.</summary>
    /// <exception cref="InvalidDataException">The record is missing.</exception>
    public static byte[] Find(TrailFolder folder, long record)
    {
        var file = folder.RecordFiles().FindLast(file => file.First <= record);
        byte[]? found = null;
        if (file.Path is not null)
        {
            var number = file.First;
            ReadLines(file.Path, 0, long.MaxValue, (line, _) =>
            {
                if (number++ < record)
                {
                    return true;
                }

                found = line.ToArray();
                return false;
            });
        }

        return found ?? throw new InvalidDataException(FormattableString.Invariant($"Record {record} is not in the files of {folder.Path}."));
    }

    /// <summary>The sequence number in a record; null if it has none.</summary>
    public static long? SequenceOf(ReadOnlySpan<byte> line)
    {
        var before = "{\"sequence\":"u8;
        return line.StartsWith(before) && Utf8Parser.TryParse(line[before.Length..], out long number, out _) ? number : null;
    }
}
