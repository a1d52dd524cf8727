using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Rewrap;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Which files a run of rewrap takes, which it leaves alone, and how it goes on.</summary>
public sealed class RewrapFilesTests : RewrapTest
{
    private const UnixFileMode Mode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Output and report, and the input where it is another one.</summary>
    [Theory]
    [InlineData("in.jsonl", "report.jsonl")]
    [InlineData("out.jsonl", "in.jsonl")]
    [InlineData("link/in.jsonl", "report.jsonl")]
    [InlineData("out.jsonl", "link/in.jsonl")]
    [InlineData("out.jsonl", "second")]
    [InlineData("out.jsonl", "report.jsonl", "out.jsonl.part")]
    [InlineData("out.jsonl", "report.jsonl", "out.jsonl.progress")]
    [InlineData("out.jsonl", "report.jsonl", "out.jsonl.progress.tmp")]
    [InlineData("link/out.jsonl", "report.jsonl", "out.jsonl.part")]
    [InlineData("out.jsonl", "out.jsonl")]
    [InlineData("out.jsonl", "link/out.jsonl.part")]
    [InlineData("out.jsonl", "out.jsonl.progress")]
    [InlineData("out.jsonl", "out.jsonl.progress.tmp")]
    public async Task FilesOfOneName_AreRefused_BeforeAnyIsTouched(string output, string report, string input = "in.jsonl")
    {
        File.WriteAllLines(Of(input), [Line(1), Line(2)]);
        Directory.CreateSymbolicLink(Of("link"), Folder);
        using (var second = System.Diagnostics.Process.Start("ln", [Of(input), Of("second")])) await second.WaitForExitAsync();
        var before = File.ReadAllBytes(Of(input));
        foreach (var restarts in (bool[])[false, true])
        {
            var options = Options() with { Input = Of(input), Output = Of(output), Report = Of(report), Replaces = true, Restarts = restarts };
            Assert.Equal(ExitCode.Usage, (await Assert.ThrowsAsync<VerbException>(() => Run(null, options: _ => options))).ExitCode);
            Assert.Equal(before, File.ReadAllBytes(Of(input)));
            Assert.Equal(((string[])[Of(input), Of("link"), Of("second")]).Order(StringComparer.Ordinal), Directory.GetFileSystemEntries(Folder).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task WhatIsNoFile_IsRefused_AndStays()
    {
        if (!OperatingSystem.IsLinux()) return;
        Directory.CreateDirectory(Of("directory"));
        using (var pipe = System.Diagnostics.Process.Start("mkfifo", [Of("pipe")])) await pipe.WaitForExitAsync();
        foreach (var name in (string[])["directory", "pipe"])
        {
            Assert.Contains("is not a file", (await Assert.ThrowsAsync<VerbException>(() => Run([Line(1)], options: o => o with { Report = Of(name) }))).Message, StringComparison.Ordinal);
            Assert.Contains(
                "is not a file", (await Assert.ThrowsAsync<VerbException>(() => Run([Line(1)], options: o => o with { Output = Of(name), Replaces = true }))).Message, StringComparison.Ordinal);
            Assert.True(Path.Exists(Of(name)));
        }
    }

    [Fact]
    public async Task Restart_ThrowsAwayWhatBelongsToARun_AndNothingElse()
    {
        File.WriteAllText(Report, "mine");
        Assert.Contains("exists already", (await Assert.ThrowsAsync<VerbException>(() => Run([Line(1)], options: o => o with { Restarts = true }))).Message, StringComparison.Ordinal);
        File.Move(Report, Output + ".part");
        Assert.Contains("exists already", (await Assert.ThrowsAsync<VerbException>(() => Run([Line(1)], options: o => o with { Restarts = true }))).Message, StringComparison.Ordinal);
        File.WriteAllText(Output + ".progress", "{}");
        Assert.Contains("not the progress", (await Assert.ThrowsAsync<VerbException>(() => Run([Line(1)], options: o => o with { Restarts = true }))).Message, StringComparison.Ordinal);
        Assert.Equal(["mine", "{}"], ((string[])[".part", ".progress"]).Select(end => File.ReadAllText(Output + end)));
        File.Delete(Output + ".part");
        File.Delete(Output + ".progress");

        await CutOff();
        File.WriteAllText(Of("other"), "mine");
        await Assert.ThrowsAsync<VerbException>(() => Run(null, options: o => o with { Restarts = true, Report = Of("other") }));
        Assert.Equal("mine", File.ReadAllText(Of("other")));
        Assert.Equal(20, RewrapProgress.Read(Output + ".progress").Lines);

        Calls.Clear();
        Assert.Equal(99, (await Run(null, options: o => o with { Restarts = true })).Rewrapped);
        Assert.Equal(99, Calls.Sum(call => call.Items));
        Assert.Single(File.ReadAllLines(Report));
        Assert.Equal(100, File.ReadAllLines(Output).Length);
    }

    [Fact]
    public async Task RunThatGoesOn_HasTheReportThatItBeganWith()
    {
        await CutOff();
        File.WriteAllText(Of("other"), "mine, and longer than a report of one line could ever be" + new string('.', 1000));
        Assert.Contains("other options", Assert.Throws<VerbException>(() => RewrapFiles.Open(Options() with { Report = Of("other") })).Message, StringComparison.Ordinal);
        Assert.StartsWith("mine", File.ReadAllText(Of("other")), StringComparison.Ordinal);
        Assert.Equal(99, (await Run(null)).Rewrapped);
    }

    [Fact]
    public async Task EmptyFilesOfSomebodyElse_AreNotWhatIsWrittenInto()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var path in (string[])[Output + ".part", Report])
        {
            File.WriteAllText(path, "");
            File.SetUnixFileMode(path, Mode600 | UnixFileMode.OtherRead);
        }

        // As somebody would who opened it before.
        using (var second = System.Diagnostics.Process.Start("ln", [Output + ".part", Of("second")])) await second.WaitForExitAsync();
        await Run([Line(1), "no json"]);
        Assert.Equal((Mode600, Mode600), (File.GetUnixFileMode(Output), File.GetUnixFileMode(Report)));
        Assert.Equal("", File.ReadAllText(Of("second")));
    }

    [Fact]
    public async Task RunKilledBetweenTheEndAndTheName_IsFinished()
    {
        var progress = await KilledAtTheEnd();
        File.Move(Output, Output + ".part");
        Assert.Equal(progress, RewrapFiles.FinishKilled(Options()));
        Assert.Equal(2, File.ReadAllLines(Output).Length);
        Assert.Null(RewrapFiles.FinishKilled(Options()));
        Assert.Equal([Of("in.jsonl"), Output], Directory.GetFiles(Folder).Order(StringComparer.Ordinal));

        File.WriteAllBytes(Output + ".progress", progress.ToBytes());
        Assert.Equal(progress, RewrapFiles.FinishKilled(Options()));
        Assert.Equal([Of("in.jsonl"), Output], Directory.GetFiles(Folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task RunKilledAtItsEnd_IsNotTheOneOfAnotherInput()
    {
        await KilledAtTheEnd();
        var input = File.ReadAllLines(Of("in.jsonl"));
        foreach (var another in (string[][])[[.. input, Line(3)], [Line(3), input[1]], input[..1], []])
        {
            File.WriteAllLines(Of("in.jsonl"), another);
            Assert.Contains("not what it was", Assert.Throws<VerbException>(() => RewrapFiles.FinishKilled(Options())).Message, StringComparison.Ordinal);
        }

        File.Delete(Of("in.jsonl"));
        Assert.Contains("does not exist", Assert.Throws<VerbException>(() => RewrapFiles.FinishKilled(Options())).Message, StringComparison.Ordinal);
        Assert.True(File.Exists(Output + ".progress"));
    }

    [Fact]
    public async Task RunKilledAtItsEnd_WithoutItsOutput_IsNotDone()
    {
        var progress = await KilledAtTheEnd();
        var output = File.ReadAllBytes(Output);
        File.Delete(Output);
        Assert.Contains("shorter", Assert.Throws<VerbException>(() => RewrapFiles.FinishKilled(Options())).Message, StringComparison.Ordinal);
        File.WriteAllBytes(Output, [.. output, 1]);
        Assert.Contains("shorter", Assert.Throws<VerbException>(() => RewrapFiles.FinishKilled(Options())).Message, StringComparison.Ordinal);
        File.WriteAllBytes(Output, output);
        Assert.Equal(progress, RewrapFiles.FinishKilled(Options()));
    }

    [Fact]
    public async Task TwoRunsOfOneOutput_ExcludeEachOther_AlsoIfOneBeginsAnew()
    {
        File.WriteAllLines(Of("in.jsonl"), [Line(1)]);
        using (var files = RewrapFiles.Open(Options()))
        {
            Assert.ThrowsAny<IOException>(() => RewrapFiles.Open(Options()));
            Assert.ThrowsAny<IOException>(() => RewrapFiles.Open(Options() with { Restarts = true }));
            Assert.ThrowsAny<IOException>(() => RewrapFiles.Open(Options() with { Restarts = true, Report = Of("other") }));
            files.Append("1"u8, "one"u8, [], progress => progress);
            files.Checkpoint();
        }

        Assert.Equal("one", File.ReadAllText(Output + ".part"));

        await Run(null, options: o => o with { Restarts = true });
        Assert.Single(File.ReadAllLines(Output));
    }

    [Fact]
    public async Task WhatCouldNotBeWritten_IsMadeAgain()
    {
        File.WriteAllLines(Of("in.jsonl"), [Line(1), Line(2)]);
        var input = File.ReadAllBytes(Of("in.jsonl"));
        var first = Array.IndexOf(input, (byte)'\n') + 1;
        using (var files = RewrapFiles.Open(Options()))
        {
            files.Append(input.AsSpan(0, first), input.AsSpan(0, first), [], progress => progress);
            // As of a disk that is full.
            Assert.Throws<IOException>(() => files.Append(input.AsSpan(first), input.AsSpan(first, 3), [], _ => throw new IOException("full")));
            files.Checkpoint();
        }

        await Run(null);
        Assert.Equal([Line(1), Rewrapped(Line(2))], File.ReadAllLines(Output));
    }

    // One line failed, and twenty are done.
    private async Task CutOff()
    {
        var calls = 0;
        var lines = Enumerable.Range(0, 100).Select(i => i == 5 ? "no json" : Line(i)).ToList();
        await Record.ExceptionAsync(() => Run(lines, (call, _) => calls++ < 2 ? Answer(call, _ => null) : throw new IOException("cut off"), o => o with { Batch = 10, Concurrency = 1 }));
    }

    // The output has its name, and the progress is still there.
    private async Task<RewrapProgress> KilledAtTheEnd()
    {
        var progress = await Run([Line(1), Line(2)]);
        Assert.True(progress.IsDone);
        File.WriteAllBytes(Output + ".progress", progress.ToBytes());
        return progress;
    }
}
