using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;

namespace OrleansKms.Files;

/// <summary>
/// The pages of the program that the process has mapped: code and metadata, of which a start touches much that is never used again. A
/// program of one file maps each assembly twice. The kernel would reclaim them when it needs memory.
/// </summary>
internal static class MappedFiles
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
            foreach (var (start, length) in Clean(list, Environment.ProcessPath)) _ = Advise(start, length, DontNeed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not to be had in this container: then they stay.
        }
    }

    /// <summary>
    /// The mappings of the program that nobody can write through, and of which no page has been changed: neither by a relocation, nor by who
    /// could write before. Nobody unmaps them while the process lives, so that nothing else can be there in the meantime. The list has some
    /// 30,000 lines, so none becomes a string.
    /// </summary>
    /// <param name="list">The content of <c>/proc/PID/smaps</c>.</param>
    /// <param name="program">The file of the process's program.</param>
    internal static List<(nint Start, nuint Length)> Clean(Stream list, string? program)
    {
        var programName = Encoding.UTF8.GetBytes(program ?? "");
        var clean = new List<(nint, nuint)>();
        (nint Start, nuint Length)? candidate = null;
        var buffer = new byte[MaxLine];
        for (int kept = 0, read; (read = list.Read(buffer, kept, buffer.Length - kept)) > 0;)
        {
            var rest = buffer.AsSpan(0, kept + read);
            for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
            {
                var line = rest[..end];
                if (line.IsEmpty || line[0] is < (byte)'A' or > (byte)'Z') candidate = OfProgram(line, programName);
                else if (candidate is { } mapping && line.StartsWith("Anonymous:"u8) && line.EndsWith(" 0 kB"u8)) clean.Add(mapping);
            }

            rest.CopyTo(buffer);
            kept = rest.Length;
        }

        return clean;
    }

    /// <summary>A mapping, if it is of code, or of the program's file or an assembly's and shared with it; null otherwise.</summary>
    private static (nint Start, nuint Length)? OfProgram(ReadOnlySpan<byte> line, ReadOnlySpan<byte> program)
    {
        // 7f0c-7f0d r-xp 00000000 08:01 1234    /usr/lib/libc.so.6
        if (!Utf8Parser.TryParse(line, out ulong start, out var digits, 'x')) return null;
        line = line[(digits + 1)..];
        if (!Utf8Parser.TryParse(line, out ulong end, out digits, 'x')) return null;
        var rights = line.Slice(digits + 1, 4);
        var slash = line.IndexOf((byte)'/');
        if (slash < 0) return null;

        // A space ends the name of a file that is deleted.
        var file = line[slash..];
        if (file.Contains((byte)' ') || file.StartsWith("/memfd:"u8) || file.StartsWith("/dev/"u8)) return null;
        var isProgram = rights.SequenceEqual("r-xp"u8) || (rights.SequenceEqual("r--s"u8) && (file.SequenceEqual(program) || file.EndsWith(".dll"u8)));
        return isProgram ? ((nint)start, (nuint)(end - start)) : null;
    }

#pragma warning disable SYSLIB1054 // Generated marshalling needs unsafe code, which this project does not allow.
    [DllImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(nint start, nuint length, int advice);
#pragma warning restore SYSLIB1054
}
