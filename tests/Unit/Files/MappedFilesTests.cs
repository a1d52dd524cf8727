using System.Text;
using OrleansKms.Files;

namespace OrleansKms.Tests.Unit.Files;

/// <summary>Which pages a process may let go of without losing anything.</summary>
public sealed class MappedFilesTests
{
    private const string Program = "/opt/okms";

    [Theory]
    [InlineData("r-xp", "/opt/okms", 0, true)]
    [InlineData("r--s", "/opt/okms", 0, true)]
    [InlineData("r-xp", "/usr/lib/libc.so.6", 0, true)]
    [InlineData("r--s", "/usr/share/dotnet/System.Linq.dll", 0, true)]
    [InlineData("r--s", "/srv/okms-data/kms.db", 0, false)]
    [InlineData("r-xp", "/opt/okms", 4, false)]
    [InlineData("r--p", "/opt/okms", 0, false)]
    [InlineData("rw-p", "/opt/okms", 0, false)]
    [InlineData("rw-s", "/srv/okms-data/kms.db-shm", 0, false)]
    [InlineData("r-xs", "/memfd:doublemapper (deleted)", 0, false)]
    [InlineData("r-xp", "/opt/okms (deleted)", 0, false)]
    [InlineData("r-xp", "[vdso]", 0, false)]
    [InlineData("r-xp", "", 0, false)]
    public void Clean_IsWhatTheFileHasAsItIs(string rights, string file, int changed, bool isClean)
    {
        var mappings = Clean($"""
            10000000-10003000 rw-p 00000000 00:00 0
            Anonymous:             0 kB
            10004000-10006000 {rights} 00001000 08:01 1234                     {file}
            Size:                  8 kB
            Anonymous:             {changed} kB
            VmFlags: rd ex mr mw me


            """);
        Assert.Equal(isClean ? [((nint)0x10004000, (nuint)0x2000)] : [], mappings);
    }

    [Fact]
    public void LetGo_OfThisProcess_LeavesItAsItWas()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var file = new TemporaryMapping();
        Assert.NotEmpty(Clean(File.ReadAllText("/proc/self/smaps")));
        MappedFiles.LetGo();
        Assert.Equal(TemporaryMapping.Content, file.Read());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    public void Clean_OfAList_ThatComesInPieces_IsTheSame(int piece)
    {
        var list = string.Concat(Enumerable.Range(0, 500).Select(i => $"""
            {0x10000000 + (i * 0x10000):x}-{0x10000000 + (i * 0x10000) + 0x1000:x} r-xp 00001000 08:01 1234     /opt/{new string('x', i)}
            Size:                  4 kB
            Anonymous:             {i % 2} kB

            """));
        var mappings = MappedFiles.Clean(new Pieces(Encoding.UTF8.GetBytes(list), piece), Program);
        Assert.Equal(Enumerable.Range(0, 250).Select(i => ((nint)(0x10000000 + (i * 0x20000)), (nuint)0x1000)), mappings);
    }

    private static List<(nint Start, nuint Length)> Clean(string list) => MappedFiles.Clean(new MemoryStream(Encoding.UTF8.GetBytes(list)), Program);

    /// <summary>A stream that answers as little as the kernel may.</summary>
    private sealed class Pieces(byte[] content, int piece) : MemoryStream(content)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, piece));
    }

    /// <summary>An assembly's file, by its name, that is mapped to be read.</summary>
    private sealed class TemporaryMapping : IDisposable
    {
        private readonly string _path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.dll");
        private readonly System.IO.MemoryMappedFiles.MemoryMappedFile _file;
        private readonly System.IO.MemoryMappedFiles.MemoryMappedViewAccessor _view;

        public TemporaryMapping()
        {
            File.WriteAllText(_path, Content);
            _file = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(_path, FileMode.Open, null, 0, System.IO.MemoryMappedFiles.MemoryMappedFileAccess.Read);
            _view = _file.CreateViewAccessor(0, 0, System.IO.MemoryMappedFiles.MemoryMappedFileAccess.Read);
        }

        public static string Content => "as it was";

        public string Read()
        {
            var bytes = new byte[Content.Length];
            _view.ReadArray(0, bytes, 0, bytes.Length);
            return System.Text.Encoding.ASCII.GetString(bytes);
        }

        public void Dispose()
        {
            _view.Dispose();
            _file.Dispose();
            File.Delete(_path);
        }
    }
}
