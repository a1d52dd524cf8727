using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// The pages of files that the process has mapped. They are code and metadata of the program, and a start touches many that are never
/// used again; a program of one file maps each assembly twice. The kernel would reclaim them when it needs memory.
/// </summary>
internal static partial class MappedFiles
{
    private const string List = "/proc/self/smaps";
    private const int DontNeed = 4; // MADV_DONTNEED
    private const int MaxLine = 16 * 1024; // The name of a file has 4,096 bytes at most, and each is written as one or, a line break, as four.

    /// <summary>
    /// Lets go of pages whose content is in their file and nowhere else. Whoever needs one again gets it from the page cache, sixteen at
    /// a time and within a microsecond.
    /// </summary>
    public static void LetGo()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            using var list = new FileStream(List, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            foreach (var (start, length) in Clean(list)) _ = Advise(start, length, DontNeed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not to be had in this container: then they stay.
        }
    }

    /// <summary>
    /// The mappings of files that nobody can write through, and of which no page has been changed: neither by a relocation, nor by who
    /// could write before. The list has some 30,000 lines, so none becomes a string.
    /// </summary>
    /// <param name="list">The content of <c>/proc/PID/smaps</c>.</param>
    internal static List<(nint Start, nuint Length)> Clean(Stream list)
    {
        var clean = new List<(nint, nuint)>();
        (nint Start, nuint Length)? candidate = null;
        var buffer = new byte[MaxLine];
        for (int kept = 0, read; (read = list.Read(buffer, kept, buffer.Length - kept)) > 0;)
        {
            var rest = buffer.AsSpan(0, kept + read);
            for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
            {
                var line = rest[..end];
                if (line.IsEmpty || line[0] is < (byte)'A' or > (byte)'Z') candidate = OfFile(line);
                else if (candidate is { } mapping && line.StartsWith("Anonymous:"u8) && line.EndsWith(" 0 kB"u8)) clean.Add(mapping);
            }

            rest.CopyTo(buffer);
            kept = rest.Length;
        }

        return clean;
    }

    /// <summary>A mapping, if it is of a file, and either of code or shared with the file; null otherwise.</summary>
    private static (nint Start, nuint Length)? OfFile(ReadOnlySpan<byte> line)
    {
        // 7f0c-7f0d r-xp 00000000 08:01 1234    /usr/lib/libc.so.6
        if (!Utf8Parser.TryParse(line, out ulong start, out var digits, 'x')) return null;
        line = line[(digits + 1)..];
        if (!Utf8Parser.TryParse(line, out ulong end, out digits, 'x')) return null;
        var rights = line.Slice(digits + 1, 4);
        if (!rights.SequenceEqual("r-xp"u8) && !rights.SequenceEqual("r--s"u8) && !rights.SequenceEqual("r-xs"u8)) return null;
        var slash = line.IndexOf((byte)'/');
        if (slash < 0) return null;

        // A space ends the name of a file that is deleted.
        var file = line[slash..];
        if (file.Contains((byte)' ') || file.StartsWith("/memfd:"u8) || file.StartsWith("/dev/"u8)) return null;
        return ((nint)start, (nuint)(end - start));
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nint start, nuint length, int advice);
}
