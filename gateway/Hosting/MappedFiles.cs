using System.Globalization;
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

    /// <summary>
    /// Lets go of pages whose content is in their file and nowhere else. Whoever needs one again gets it from the page cache, sixteen at
    /// a time and within a microsecond.
    /// </summary>
    public static void LetGo()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            foreach (var (start, length) in Clean(File.ReadAllLines(List))) _ = Advise(start, length, DontNeed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not to be had in this container: then they stay.
        }
    }

    /// <summary>
    /// The mappings of files that nobody can write through, and of which no page has been changed: neither by a relocation, nor by who
    /// could write before.
    /// </summary>
    /// <param name="lines">The lines of <c>/proc/PID/smaps</c>.</param>
    internal static List<(nint Start, nuint Length)> Clean(IEnumerable<string> lines)
    {
        var clean = new List<(nint, nuint)>();
        (nint Start, nuint Length)? candidate = null;
        foreach (var line in lines)
        {
            if (!char.IsAsciiLetterUpper(line[0])) candidate = OfFile(line);
            else if (candidate is { } mapping && line.StartsWith("Anonymous:", StringComparison.Ordinal) && line.EndsWith(" 0 kB", StringComparison.Ordinal)) clean.Add(mapping);
        }

        return clean;
    }

    /// <summary>A mapping, if it is of a file, and either of code or shared with the file; null otherwise.</summary>
    private static (nint Start, nuint Length)? OfFile(string line)
    {
        // 7f0c-7f0d r-xp 00000000 08:01 1234    /usr/lib/libc.so.6
        var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 6 || !parts[5].StartsWith('/') || parts[5].StartsWith("/memfd:", StringComparison.Ordinal) || parts[5].StartsWith("/dev/", StringComparison.Ordinal)) return null;
        if (parts[1] is not ("r-xp" or "r--s" or "r-xs")) return null;
        var range = parts[0].Split('-');
        var start = nint.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (start, (nuint)(nint.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture) - start));
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nint start, nuint length, int advice);
}
