using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>A file has its name only when it is whole, and no other file loses its own to it.</summary>
public sealed class WholeOutputTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("okms-test-").FullName;

    [Fact]
    public void NameComesAtTheEnd_AndTheFileIsTheOwnersAlone()
    {
        using (var output = WholeOutput.Create(Of("new"), replaces: false))
        {
            output.Stream.Write("half"u8);
            Assert.False(File.Exists(Of("new")));
            Assert.StartsWith(WholeOutput.UnfinishedPrefix, Path.GetFileName(Assert.Single(Directory.GetFiles(_directory))), StringComparison.Ordinal);
            output.Stream.Write(" and half"u8);
            output.Commit();
        }

        Assert.Equal([Of("new")], Directory.GetFileSystemEntries(_directory));
        Assert.Equal("half and half", File.ReadAllText(Of("new")));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Of("new")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WithoutCommit_NothingIsLeft_AndWhatWasThereStays(bool replaces)
    {
        if (replaces) File.WriteAllText(Of("file"), "mine");
        using (var output = WholeOutput.Create(Of("file"), replaces)) output.Stream.Write("half"u8);
        Assert.Equal(replaces ? [Of("file")] : [], Directory.GetFileSystemEntries(_directory));
        if (replaces) Assert.Equal("mine", File.ReadAllText(Of("file")));
    }

    [Fact]
    public void TakenName_IsRefused_BeforeAndAtTheEnd()
    {
        File.WriteAllText(Of("file"), "mine");
        File.CreateSymbolicLink(Of("link"), Of("nowhere"));
        foreach (var name in (string[])["file", "link"])
        {
            Assert.Contains("--force", Assert.Throws<IOException>(() => WholeOutput.Create(Of(name), replaces: false)).Message, StringComparison.Ordinal);
        }

        using (var output = WholeOutput.Create(Of("late"), replaces: false))
        {
            File.WriteAllText(Of("late"), "somebody else's");
            Assert.Contains("--force", Assert.Throws<IOException>(output.Commit).Message, StringComparison.Ordinal);
        }

        Assert.Equal(("mine", "somebody else's", 3), (File.ReadAllText(Of("file")), File.ReadAllText(Of("late")), Directory.GetFileSystemEntries(_directory).Length));
    }

    [Fact]
    public void Replacing_FollowsALink()
    {
        File.WriteAllText(Of("file"), "old");
        File.CreateSymbolicLink(Of("link"), Of("file"));
        using (var output = WholeOutput.Create(Of("link"), replaces: true))
        {
            output.Stream.Write("new"u8);
            Assert.Equal("old", File.ReadAllText(Of("file")));
            output.Commit();
        }

        Assert.Equal(("new", Of("file")), (File.ReadAllText(Of("file")), new FileInfo(Of("link")).LinkTarget));
        Assert.Equal(2, Directory.GetFileSystemEntries(_directory).Length);
    }

    [Fact]
    public void WhatIsNoFile_IsNotReplaced()
    {
        Directory.CreateDirectory(Of("directory"));
        Assert.Throws<IOException>(() => WholeOutput.Create(Of("directory"), replaces: true));
        Assert.Throws<IOException>(() => WholeOutput.Create(Of("nowhere/file"), replaces: true));
        if (OperatingSystem.IsLinux()) Assert.Throws<IOException>(() => WholeOutput.Create("/dev/null", replaces: true));
        Assert.Equal([Of("directory")], Directory.GetFileSystemEntries(_directory));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Of(string name) => Path.Combine(_directory, name);
}
