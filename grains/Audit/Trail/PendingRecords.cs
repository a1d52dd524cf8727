using System.Buffers.Text;
using System.IO.MemoryMappedFiles;
using System.Numerics;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>
/// Accepted records that are not in a record file yet, in a file that is mapped into memory. What is stored there is the kernel's, as if it
/// had been written: it survives kill -9, and the next start moves it to the record files. Storing costs no system call and never waits for
/// the disk. Two segments take turns: one fills while the other is written. Not thread-safe.
/// </summary>
/// <remarks>
/// A segment is a sequence of lines and ends at a NUL. Each line is a record with its checksum, which no mixture of old and new pages after
/// a power failure matches. Its first byte is stored last.
/// </remarks>
internal sealed class PendingRecords : IDisposable
{
    /// <summary>A segment's size in bytes.</summary>
    public const int SegmentSize = 1024 * 1024;

    private const int Segments = 2;
    private const int ChecksumLength = 8;

    // On others, a page may find no room on a full disk when it is stored, which ends the process.
    private static readonly string[] _overwritesInPlace = ["ext2", "ext3", "ext4", "ext2/ext3", "ext2/ext3/ext4", "xfs", "tmpfs", "overlay", "overlayfs"];

    private readonly string _path;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte[] _line = new byte[RecordWriter.MaxRecord + 64];
    private int _segment;
    private int _length;
    private bool _isFull;

    /// <summary>Opens the file, empty. All of its room is taken at once.</summary>
    /// <exception cref="IOException">There is no room.</exception>
    public PendingRecords(string path)
    {
        _path = path;
        using (var handle = TrailFiles.Open(path, FileMode.OpenOrCreate))
        {
            RandomAccess.Write(handle, new byte[Segments * SegmentSize], 0);
        }

        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, Segments * SegmentSize);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>The current segment, as a bit.</summary>
    public int Segment => 1 << _segment;

    /// <summary>Whether a directory's file system overwrites in place, so that stored pages always find room.</summary>
    public static bool CanServe(string directory) =>
        OperatingSystem.IsLinux() && Array.IndexOf(_overwritesInPlace, new DriveInfo(directory).DriveFormat) >= 0;

    /// <summary>The records of a file, by number; none if there is no file.</summary>
    public static SortedDictionary<long, byte[]> Read(string path)
    {
        var records = new SortedDictionary<long, byte[]>();
        var bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        for (var start = 0; start + SegmentSize <= bytes.Length; start += SegmentSize)
        {
            var rest = bytes.AsSpan(start, SegmentSize);
            while (rest.IndexOf((byte)'\n') is var end and > ChecksumLength && rest[0] == '{'
                && ReadLine(rest[..end]) is { } line && RecordReader.SequenceOf(line) is { } number)
            {
                records[number] = line;
                rest = rest[(end + 1)..];
            }
        }

        return records;
    }

    /// <summary>Stores a record.</summary>
    /// <returns>False if the segment has no room left; then it takes no more.</returns>
    public bool TryAdd(long number, ReadOnlySpan<byte> members)
    {
        var length = RecordLine.Write(number, members, _line) - 1;
        var checksum = Checksum(_line.AsSpan(0, length));
        _line[length++] = (byte)'\t';
        Utf8Formatter.TryFormat(checksum, _line.AsSpan(length), out _, new('x', ChecksumLength));
        length += ChecksumLength;
        _line[length++] = (byte)'\n';
        _line[length] = 0;
        _isFull |= _length + length + 1 > SegmentSize;
        if (_isFull)
        {
            return false;
        }

        var memory = _view.SafeMemoryMappedViewHandle;
        var at = (ulong)((_segment * SegmentSize) + _length);
        memory.WriteSpan<byte>(at + 1, _line.AsSpan(1, length));
        Interlocked.MemoryBarrier();
        memory.Write(at, _line[0]);
        _length += length;
        return true;
    }

    /// <summary>Starts the other segment, which is empty.</summary>
    public void Turn() => (_segment, _length, _isFull) = (1 - _segment, 0, false);

    /// <summary>Empties segments whose records are in the record files.</summary>
    /// <param name="segments">Their bits.</param>
    public void Clear(int segments)
    {
        for (var segment = 0; segment < Segments; segment++)
        {
            if ((segments & (1 << segment)) != 0)
            {
                _view.SafeMemoryMappedViewHandle.Write((ulong)(segment * SegmentSize), (byte)0);
                (_length, _isFull) = segment == _segment ? (0, false) : (_length, _isFull);
            }
        }
    }

    /// <summary>Removes the file, when all of its records are in the record files.</summary>
    public void Delete()
    {
        Dispose();
        File.Delete(_path);
    }

    /// <summary>Unmaps the file. It needs no flush.</summary>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.Dispose();
        _file.Dispose();
    }

    private static byte[]? ReadLine(ReadOnlySpan<byte> line)
    {
        var record = line[..^(ChecksumLength + 1)];
        return Utf8Parser.TryParse(line[^ChecksumLength..], out uint checksum, out var read, 'x') && read == ChecksumLength && checksum == Checksum(record)
            ? record.ToArray()
            : null;
    }

    // CRC-32C: against accidents, not against people.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var checksum = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            checksum = BitOperations.Crc32C(checksum, BitConverter.ToUInt64(bytes));
        }

        foreach (var one in bytes)
        {
            checksum = BitOperations.Crc32C(checksum, one);
        }

        return ~checksum;
    }
}
