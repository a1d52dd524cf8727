using OrleansKms.Files;

namespace OrleansKms.Tests.Unit.Files;

/// <summary>Files with secrets: who may read them, and how they come and go.</summary>
public sealed class PrivateFileTests : IDisposable
{
    private const UnixFileMode Mode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _directory = Directory.CreateTempSubdirectory("okms-test-").FullName;

    [Theory]
    [InlineData(0b110_000_000, nameof(SecretReaders.Nobody), false, true)]
    [InlineData(0b100_000_000, nameof(SecretReaders.Nobody), false, true)]
    [InlineData(0b110_100_000, nameof(SecretReaders.Nobody), false, false)]
    [InlineData(0b100_100_000, nameof(SecretReaders.Nobody), true, false)]
    [InlineData(0b110_000_000, nameof(SecretReaders.GroupOfRoots), false, true)]
    [InlineData(0b110_100_000, nameof(SecretReaders.GroupOfRoots), false, false)]
    [InlineData(0b100_100_000, nameof(SecretReaders.GroupOfRoots), true, true)]
    [InlineData(0b110_110_000, nameof(SecretReaders.GroupOfRoots), true, false)]
    [InlineData(0b110_100_100, nameof(SecretReaders.GroupOfRoots), true, false)]
    [InlineData(0b110_000_001, nameof(SecretReaders.GroupOfRoots), true, false)]
    [InlineData(0b100_100_000, nameof(SecretReaders.Group), false, true)]
    [InlineData(0b110_110_000, nameof(SecretReaders.Group), false, false)]
    [InlineData(0b110_101_000, nameof(SecretReaders.Group), false, false)]
    [InlineData(0b110_000_100, nameof(SecretReaders.Group), false, false)]
    [InlineData(0b110_000_010, nameof(SecretReaders.Group), false, false)]
    [InlineData(0b110_000_001, nameof(SecretReaders.Group), false, false)]
    public void Mode_KeepsASecretOrDoesNot(int mode, string readers, bool isLentByRoot, bool isPrivate) =>
        Assert.Equal(isPrivate, PrivateFile.IsPrivate((UnixFileMode)mode, Enum.Parse<SecretReaders>(readers), isLentByRoot));

    [Theory]
    [InlineData(nameof(SecretReaders.Nobody), UnixFileMode.GroupRead, "chmod 600 ")]
    [InlineData(nameof(SecretReaders.GroupOfRoots), UnixFileMode.OtherRead, "chmod 600 ")]
    [InlineData(nameof(SecretReaders.Group), UnixFileMode.OtherRead, "chmod o=,g-wx ")]
    public void Open_OpenToOthers_IsRefused_AlsoBehindALink(string who, UnixFileMode open, string remedy)
    {
        if (OperatingSystem.IsWindows()) return;
        var readers = Enum.Parse<SecretReaders>(who);
        var (file, link) = (Of("secret"), Of("link"));
        File.WriteAllText(file, "s3cret");
        File.CreateSymbolicLink(link, file);
        File.SetUnixFileMode(file, Mode600);
        PrivateFile.Open(link, readers).Dispose();

        File.SetUnixFileMode(file, Mode600 | open);
        foreach (var path in (string[])[file, link])
        {
            Assert.Equal(remedy + path, Assert.Throws<OpenToOthersException>(() => PrivateFile.Open(path, readers)).Remedy);
        }
    }

    [Fact]
    public void Read_IsWholeOrNothing()
    {
        PrivateFile.WriteNew(Of("secret"), "12345"u8);
        Assert.Equal([.. "12345"u8], PrivateFile.Read(Of("secret"), SecretReaders.Nobody, maxLength: 5)!);
        Assert.Null(PrivateFile.Read(Of("secret"), SecretReaders.Nobody, maxLength: 4));
        Assert.ThrowsAny<IOException>(() => PrivateFile.Read(Of("absent"), SecretReaders.Nobody, 5));
    }

    [Fact]
    public void WriteNew_IsTheOwnersOnly_AndLeavesNothingElse()
    {
        PrivateFile.WriteNew(Of("secret"), "1"u8);
        Assert.Equal([Of("secret")], Directory.GetFileSystemEntries(_directory));
        if (!OperatingSystem.IsWindows()) Assert.Equal(Mode600, File.GetUnixFileMode(Of("secret")));
    }

    [Fact]
    public void WriteNew_WhereSomethingIs_LeavesItAlone()
    {
        File.WriteAllText(Of("file"), "mine");
        File.CreateSymbolicLink(Of("link"), Of("elsewhere"));
        Directory.CreateDirectory(Of("directory"));
        foreach (var name in (string[])["file", "link", "directory"])
        {
            Assert.False(PrivateFile.TryWriteNew(Of(name), "1"u8));
            Assert.Contains(Of(name), Assert.Throws<IOException>(() => PrivateFile.WriteNew(Of(name), "1"u8)).Message, StringComparison.Ordinal);
        }

        Assert.Equal("mine", File.ReadAllText(Of("file")));
        Assert.False(File.Exists(Of("elsewhere")));
        Assert.Equal(3, Directory.GetFileSystemEntries(_directory).Length);
    }

    [Fact]
    public void WriteNew_WithoutADirectory_IsAFailure_AndNotThereAlready() =>
        Assert.ThrowsAny<IOException>(() => PrivateFile.TryWriteNew(Of("nowhere/secret"), "1"u8));

    [Fact]
    public void TryWriteNew_AtOnce_OneWins_AndIsWhole()
    {
        var contents = Enumerable.Range(0, 16).Select(i => Enumerable.Repeat((byte)i, 64 * 1024).ToArray()).ToArray();
        for (var round = 0; round < 20; round++)
        {
            var won = new bool[contents.Length];
            Parallel.For(0, contents.Length, i => won[i] = PrivateFile.TryWriteNew(Of("secret"), contents[i]));
            Assert.Single(won, true);
            Assert.Equal(contents[Array.IndexOf(won, true)], File.ReadAllBytes(Of("secret")));
            Assert.Single(Directory.GetFileSystemEntries(_directory));
            File.Delete(Of("secret"));
        }
    }

    [Fact]
    public void Replace_TakesTheName_AndErase_LeavesNone()
    {
        PrivateFile.WriteNew(Of("old"), "1"u8);
        PrivateFile.WriteNew(Of("new"), "2"u8);
        PrivateFile.Replace(Of("new"), Of("old"));
        Assert.Equal("2"u8, File.ReadAllBytes(Of("old")));
        PrivateFile.Erase(Of("old"));
        Assert.Empty(Directory.GetFileSystemEntries(_directory));
    }

    [Fact]
    public void Erase_OverwritesTheContent()
    {
        PrivateFile.WriteNew(Of("secret"), "12345"u8);
        if (OperatingSystem.IsWindows()) return;
        // Another name of the same file, as a copy that nobody knows of would be.
        using var link = System.Diagnostics.Process.Start("ln", [Of("secret"), Of("other")]);
        link.WaitForExit();
        PrivateFile.Erase(Of("secret"));
        Assert.Equal(new byte[5], File.ReadAllBytes(Of("other")));
    }

    [Fact]
    public void DirectoriesAndDatabases_ThatWereOpen_AreClosed()
    {
        if (OperatingSystem.IsWindows()) return;
        File.SetUnixFileMode(_directory, Mode600 | UnixFileMode.UserExecute | UnixFileMode.OtherRead);
        File.WriteAllText(Of("kms.db"), "rows");
        File.SetUnixFileMode(Of("kms.db"), Mode600 | UnixFileMode.GroupRead);
        PrivateFile.PrepareDirectory(_directory);
        PrivateFile.EnsureExists(Of("kms.db"));
        Assert.Equal((Mode600 | UnixFileMode.UserExecute, Mode600), (File.GetUnixFileMode(_directory), File.GetUnixFileMode(Of("kms.db"))));
        Assert.Equal("rows", File.ReadAllText(Of("kms.db")));
    }

    [Fact]
    public void OpenExclusive_IsOfOneProcess()
    {
        using var held = PrivateFile.OpenExclusive(Of("lock"));
        Assert.Throws<IOException>(() => PrivateFile.OpenExclusive(Of("lock")));
        if (!OperatingSystem.IsWindows()) Assert.Equal(Mode600, File.GetUnixFileMode(Of("lock")));
    }

    [Fact]
    public void FlushFile_IgnoresNoError()
    {
        if (!OperatingSystem.IsLinux()) return;

        // A pipe cannot be flushed (EINVAL), which RandomAccess.FlushToDisk ignores.
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream();
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        Assert.Throws<IOException>(() => LibC.FlushFile(handle));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Of(string name) => Path.Combine(_directory, name);
}
