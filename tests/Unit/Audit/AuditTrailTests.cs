using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>A trail on disk: what is answered is in it, whatever ends the process, and whoever touches it is found out.</summary>
public sealed class AuditTrailTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-audit-");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);

    private TrailFolder Folder => new(Path.Combine(_root.FullName, "log"));

    private static NoteVerifier Key
    {
        get
        {
            using var signer = SignedNoteTests.Signer("okms.example/log", 7);
            return signer.Verifier;
        }
    }

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task Records_AreNumberedInOrder_AndVerify()
    {
        await using (var trail = Open())
        {
            for (var i = 0; i < 600; i++) await trail.Append(Record(i));
            Assert.Equal(600, (await trail.SignNow()).Size);
            Assert.Equal(600, trail.Records);
        }

        var lines = File.ReadAllLines(Folder.RecordPath(0));
        Assert.Equal("""{"sequence":0,"n":"record 0"}""", lines[0]);
        Assert.Equal("""{"sequence":599,"n":"record 599"}""", lines[^1]);
        Assert.Equal((TrailFault.None, 600L), Verdict());
    }

    [Fact]
    public async Task Append_FromManyAtOnce_LosesNoneAndRepeatsNone()
    {
        await using (var trail = Open())
        {
            await Parallel.ForEachAsync(Enumerable.Range(0, 8), async (worker, _) =>
            {
                for (var i = 0; i < 500; i++) await trail.Append(Record((worker * 500) + i));
            });
        }

        var lines = File.ReadAllLines(Folder.RecordPath(0));
        Assert.Equal(Enumerable.Range(0, 4000), lines.Select(line => (int)RecordReader.SequenceOf(Encoding.UTF8.GetBytes(line))!.Value));
        Assert.Equal(4000, lines.Select(line => line[line.IndexOf(',', StringComparison.Ordinal)..]).Distinct().Count());
        Assert.Equal((TrailFault.None, 4000L), Verdict());
    }

    [Fact]
    public async Task Files_FollowEachOther_BySizeAndAge()
    {
        var options = new TrailOptions { Limits = new(10_000, TimeSpan.FromHours(1)) };
        await using (var trail = Open(options))
        {
            for (var i = 0; i < 700; i++) await trail.Append(Record(i));
            await trail.SignNow();
            _time.Advance(TimeSpan.FromHours(2));
            await trail.Append(Record(700));
        }

        var files = Folder.RecordFiles();
        Assert.True(files.Count > 2);
        Assert.All(files, file => Assert.InRange(new FileInfo(file.Path).Length, 1, 10_100));
        Assert.Equal(700, files[^1].First);
        Assert.Equal((TrailFault.None, 701L), Verdict());

        await using (var trail = Open(options))
        {
            await trail.Append(Record(701));
            Assert.Equal(702, (await trail.SignNow()).Size);
        }

        Assert.Equal((TrailFault.None, 702L), Verdict());
    }

    [Fact]
    public async Task AfterACrash_WholeRecordsStay_AndAHalfOneIsCutOff()
    {
        await using (var trail = Open())
        {
            for (var i = 0; i < 10; i++) await trail.Append(Record(i));
            await trail.SignNow();

            // What the kernel has and no checkpoint yet, as after kill -9.
            Copy("crashed");
            for (var i = 10; i < 300; i++) await trail.Append(Record(i));
            var copy = new TrailFolder(Path.Combine(_root.FullName, "crashed"));
            File.Copy(Folder.RecordPath(0), copy.RecordPath(0), overwrite: true);
            File.Copy(Folder.PendingPath, copy.PendingPath, overwrite: true);
        }

        var crashed = new TrailFolder(Path.Combine(_root.FullName, "crashed"));
        await File.AppendAllTextAsync(crashed.RecordPath(0), "{\"sequence\":300,\"n\":\"half");
        await using (var trail = Open(folder: crashed))
        {
            Assert.Equal(300, trail.Records);
            await trail.Append(Record(300));
            Assert.Equal(301, (await trail.SignNow()).Size);
        }

        Assert.Equal((TrailFault.None, 301L), Verdict(crashed));
    }

    [Fact]
    public async Task AfterACrash_PendingRecordsMoveToTheFile_AsFarAsTheyAreWhole_AndOnce()
    {
        var crashed = new TrailFolder(Path.Combine(_root.FullName, "crashed"));
        await using (var trail = Open())
        {
            // More than a segment holds, so that some are in the file, and the segments have taken turns.
            for (var i = 0; i < 40_000; i++) await trail.Append(Record(i));
            Assert.InRange(PendingRecords.Read(Folder.PendingPath).Count, 1, 40_000);
            Copy("crashed");
        }

        // A power failure may leave a line that is half an older one.
        var pending = await File.ReadAllBytesAsync(crashed.PendingPath);
        var last = PendingRecords.Read(crashed.PendingPath).Keys.Max();
        Assert.Equal(39_999, last);
        var text = Encoding.UTF8.GetBytes($"\"n\":\"record {last}\"");
        pending[pending.AsSpan().IndexOf(text) + 5] ^= 1;
        await File.WriteAllBytesAsync(crashed.PendingPath, pending);
        await using (var trail = Open(folder: crashed))
        {
            Assert.Equal(last, trail.Records);
            await trail.Append(Record((int)last));
            Assert.Equal(last + 1, (await trail.SignNow()).Size);
        }

        Assert.Equal((TrailFault.None, last + 1), Verdict(crashed));
        var lines = await File.ReadAllLinesAsync(crashed.RecordPath(0));
        Assert.Equal(Enumerable.Range(0, 40_000).Select(i => $$"""{"sequence":{{i}},"n":"record {{i}}"}"""), lines);
        Assert.False(File.Exists(crashed.PendingPath));
    }

    [Fact]
    public async Task KilledLog_IsVerifiedWithWhatIsPending()
    {
        var crashed = new TrailFolder(Path.Combine(_root.FullName, "crashed"));
        await using (var trail = Open())
        {
            for (var i = 0; i < 10; i++) await trail.Append(Record(i));
            await trail.SignNow();
            for (var i = 10; i < 300; i++) await trail.Append(Record(i));

            // While it is written: nobody can tell what is only on its way.
            Assert.Equal(TrailFault.None, Verdict().Fault);
            Copy("crashed");
        }

        var (file, pending) = (await File.ReadAllTextAsync(crashed.RecordPath(0)), await File.ReadAllBytesAsync(crashed.PendingPath));
        Assert.Equal(299, PendingRecords.Read(crashed.PendingPath).Keys.Max());
        Assert.Equal((TrailFault.None, 300L), Verdict(crashed));

        // How many of them are in the file as well is a matter of time; so put back what the last checkpoint covers, and those that follow.
        var lines = file.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var first = PendingRecords.Read(crashed.PendingPath).Keys.Min();
        var whole = Enumerable.Range(0, (int)first).Select(i => $$"""{"sequence":{{i}},"n":"record {{i}}"}""").ToArray();
        Assert.Equal(lines.Take(whole.Length), whole.Take(lines.Length));
        await File.WriteAllLinesAsync(crashed.RecordPath(0), whole);
        var report = new TrailVerifier(crashed, Key).Verify();
        Assert.Equal((TrailFault.None, 300L), (report.Fault, report.Records));
        Assert.Contains($"{300 - first} more are in the file pending", report.Detail, StringComparison.Ordinal);

        // One that both have, and that differs.
        await File.WriteAllLinesAsync(crashed.RecordPath(0), [.. whole, $$"""{"sequence":{{first}},"n":"recorD {{first}}"}"""]);
        Assert.Equal((TrailFault.Changed, first), Verdict(crashed, where: true));

        // Some between what both have are gone.
        if (whole.Length > 10)
        {
            await File.WriteAllLinesAsync(crashed.RecordPath(0), whole[..^1]);
            Assert.Equal((TrailFault.CutOff, first - 1), Verdict(crashed, where: true));
        }

        // What is no whole record of the last moment is not counted.
        await File.WriteAllLinesAsync(crashed.RecordPath(0), whole);
        pending[pending.AsSpan().IndexOf("\"n\":\"record 299\""u8) + 5] ^= 1;
        await File.WriteAllBytesAsync(crashed.PendingPath, pending);
        Assert.Equal((TrailFault.None, 299L), Verdict(crashed));
        File.Delete(crashed.PendingPath);
        Assert.Equal((TrailFault.None, first), Verdict(crashed));
    }

    [Fact]
    public async Task TilesThatAreLost_AreMadeAgain()
    {
        await Fill(1000);
        Directory.Delete(Path.Combine(Folder.Path, "tile"), recursive: true);
        Assert.Equal(TrailFault.Tiles, Verdict().Fault);
        await using (var trail = Open())
        {
            await trail.Append(Record(1000));
        }

        Assert.Equal((TrailFault.None, 1001L), Verdict());
    }

    [Fact]
    public async Task TilesThatAPowerFailureTook_AreRebuilt_FromTheLastArchivedCheckpoint()
    {
        var crashed = await Crashed(1000);
        File.Delete(Path.Combine(crashed.Path, "tile", "0", "001"));
        await File.WriteAllBytesAsync(Path.Combine(crashed.Path, "tile", "0", "002"), new byte[Tile.FullWidth * TreeHash.Length]);
        Directory.Delete(Path.Combine(crashed.Path, "tile", "0", "003.p"), recursive: true);
        Assert.Equal(TrailFault.Tiles, Verdict(crashed).Fault);
        await using (Open(folder: crashed))
        {
            Assert.Equal((TrailFault.None, 1000L), Verdict(crashed));
        }

        Assert.Equal((TrailFault.None, 1000L), Verdict(crashed));
    }

    [Fact]
    public async Task RecordChangedSinceTheLastArchivedCheckpoint_StopsTheOpening_AndTheTilesStillNameIt()
    {
        var crashed = await Crashed(1000);
        var path = crashed.RecordPath(0);
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).Replace("record 300", "recorD 300", StringComparison.Ordinal));
        Assert.Throws<BrokenTrailException>(() => Open(folder: crashed));
        Assert.Equal((TrailFault.Changed, 300L), Verdict(crashed, where: true));
    }

    [Fact]
    public async Task CleanStop_ArchivesItsCheckpoint()
    {
        await Fill(1000);
        Assert.Equal(1000, Folder.LastKept(long.MaxValue).First().Size);
        Assert.Equal(0, Folder.LastKept(999).FirstOrDefault()?.Size ?? 0);
    }

    [Fact]
    public async Task RecordsThatTheCheckpointHasAndTheFileNot_StopTheOpening()
    {
        await Fill(1000);
        Edit(lines => lines[..900]);
        Assert.Throws<BrokenTrailException>(() => Open());
        Edit(_ => []);
        Assert.Throws<BrokenTrailException>(() => Open());
    }

    [Fact]
    public async Task FolderThatIsInUse_IsRefused_AndAnotherKey_Too()
    {
        await using (Open())
        {
            Assert.ThrowsAny<IOException>(() => Open());
        }

        Assert.Throws<BrokenTrailException>(() => AuditTrail.Open(
            Folder, SignedNoteTests.Signer("okms.example/log", 8), new(), _time, NullLogger<AuditTrail>.Instance));
    }

    [Fact]
    public async Task OneByteChanged_Anywhere_IsNamed()
    {
        await Fill(700);
        foreach (var record in (int[])[0, 255, 256, 511, 640, 699])
        {
            var before = await File.ReadAllBytesAsync(Folder.RecordPath(0));
            Edit(lines => [.. lines.Select((line, i) => i == record ? line.Replace("record", "recorD", StringComparison.Ordinal) : line)]);
            Assert.Equal((TrailFault.Changed, (long)record), Verdict(where: true));
            await File.WriteAllBytesAsync(Folder.RecordPath(0), before);
        }
    }

    [Fact]
    public async Task WhatIsRemovedInsertedSwappedOrCutOff_IsNamed()
    {
        await Fill(700);
        var before = await File.ReadAllBytesAsync(Folder.RecordPath(0));
        (TrailFault, long) After(Func<string[], string[]> edit)
        {
            File.WriteAllBytes(Folder.RecordPath(0), before);
            Edit(edit);
            return Verdict(where: true);
        }

        Assert.Equal((TrailFault.Removed, 300L), After(lines => [.. lines[..300], .. lines[301..]]));
        Assert.Equal((TrailFault.Inserted, 300L), After(lines => [.. lines[..300], "{\"sequence\":300}", .. lines[300..]]));
        Assert.Equal((TrailFault.Reordered, 300L), After(lines => [.. lines[..300], lines[301], lines[300], .. lines[302..]]));
        Assert.Equal((TrailFault.Reordered, 300L), After(lines => [.. lines[..300], lines[500], .. lines[301..500], lines[300], .. lines[501..]]));
        Assert.Equal((TrailFault.CutOff, 650L), After(lines => lines[..650]));
        Assert.Equal((TrailFault.CutOff, 0L), After(_ => []));
    }

    [Fact]
    public async Task LogThatItsOwnerWroteAnew_IsFoundByAKeptCheckpoint()
    {
        await Fill(700);
        var kept = Folder.ReadHead()!;
        _root.GetDirectories()[0].Delete(recursive: true);
        await using (var trail = Open())
        {
            for (var i = 0; i < 800; i++) await trail.Append(Record(i == 13 ? 14 : i));
        }

        Assert.Equal((TrailFault.None, 800L), Verdict());
        var report = new TrailVerifier(Folder, Key).Verify(kept);
        Assert.Equal(TrailFault.Rewritten, report.Fault);
        Assert.Equal((TrailFault.Checkpoint, 0), (new TrailVerifier(Folder, SignedNoteTests.Signer("okms.example/log", 9).Verifier).Verify().Fault, 0));
    }

    [Fact]
    public async Task RewrittenTail_IsNarrowedDownByTheCheckpointsInBetween()
    {
        await using (var trail = Open(new() { KeepEvery = TimeSpan.Zero }))
        {
            for (var i = 0; i < 700; i++)
            {
                await trail.Append(Record(i));
                if (i % 100 == 99) await trail.SignNow();
            }
        }

        Edit(lines => [.. lines.Select((line, i) => i == 350 ? line.Replace("record", "recorD", StringComparison.Ordinal) : line)]);
        var head = Folder.ReadHead()!;
        Directory.Delete(Path.Combine(Folder.Path, "tile"), recursive: true);
        var report = new TrailVerifier(Folder, Key).Verify(head);
        Assert.Equal((TrailFault.Rewritten, 300L), (report.Fault, report.Record));
    }

    private AuditTrail Open(TrailOptions? options = null, TrailFolder? folder = null) => AuditTrail.Open(
        folder ?? Folder, SignedNoteTests.Signer("okms.example/log", 7), options ?? new(), _time, NullLogger<AuditTrail>.Instance);

    private async Task Fill(int count)
    {
        await using var trail = Open();
        for (var i = 0; i < count; i++) await trail.Append(Record(i));
    }

    // A copy of a log that was signed but not closed.
    private async Task<TrailFolder> Crashed(int count)
    {
        await using var trail = Open();
        await trail.Append(Record(0));
        await trail.SignNow();
        for (var i = 1; i < count; i++) await trail.Append(Record(i));
        await trail.SignNow();
        Copy("crashed");
        return new(Path.Combine(_root.FullName, "crashed"));
    }

    private static byte[] Record(int n) => Encoding.UTF8.GetBytes($"\"n\":\"record {n}\"");

    private (TrailFault Fault, long) Verdict(TrailFolder? folder = null, bool where = false)
    {
        var report = new TrailVerifier(folder ?? Folder, Key).Verify();
        return (report.Fault, where ? report.Record : report.Records);
    }

    private void Edit(Func<string[], string[]> edit)
    {
        var path = Folder.RecordPath(0);
        var lines = edit(File.ReadAllLines(path));
        File.WriteAllText(path, string.Concat(lines.Select(line => line + "\n")));
    }

    private void Copy(string name)
    {
        var target = Path.Combine(_root.FullName, name);
        foreach (var file in Directory.EnumerateFiles(Folder.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(Folder.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
