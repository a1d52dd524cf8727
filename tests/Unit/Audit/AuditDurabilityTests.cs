using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.Win32.SafeHandles;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>A trail on a disk that fails, and after a power failure: what is signed is on disk, and what is lost is found.</summary>
public sealed class AuditDurabilityTests : IDisposable
{
    private static readonly DateTime _longAgo = DateTime.UnixEpoch;

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-audit-");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);
    private int _flushes;
    private bool _fails;
    private Action _onFailure = () => { };

    private TrailFolder Folder => new(Path.Combine(_root.FullName, "log"));

    private TrailFolder Crashed => new(Path.Combine(_root.FullName, "crashed"));

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task FailedFlush_RefusesRecords_UntilTheOldOnesAreWrittenAgain()
    {
        await using (var trail = Open(new() { Flush = Flush }))
        {
            await Append(trail, 0, 10);
            await trail.SignNow();
            await Append(trail, 10, 20);
            _fails = true;
            await Assert.ThrowsAsync<IOException>(trail.SignNow);
            Assert.Equal(10, Checkpoint.Parse(trail.Head.Text)!.Size);
            await Assert.ThrowsAsync<IOException>(() => Append(trail, 20, 21));
            Assert.False(trail.IsHealthy);
            Assert.False(trail.IsWritable);

            // The kernel would let the next flush succeed without writing anything.
            _fails = false;
            File.SetLastWriteTimeUtc(Folder.RecordPath(0), _longAgo);
            Assert.Equal(20, (await trail.SignNow()).Size);
            Assert.True(File.GetLastWriteTimeUtc(Folder.RecordPath(0)) > _longAgo);
            Assert.True(trail.IsHealthy);
            await Append(trail, 20, 30);
        }

        Assert.Equal((TrailFault.None, 30L), Verdict(Folder));
    }

    [Fact]
    public async Task RecordsThatAFailedFlushLost_AreNeverSigned_AndTheNextStartSetsTheRestAside()
    {
        await using (var trail = Open(new() { Flush = Flush }))
        {
            await Append(trail, 0, 10);
            await trail.SignNow();
            await Append(trail, 10, 20);
            _fails = true;
            _onFailure = () => Zero(Folder.RecordPath(0), 12);
            await Assert.ThrowsAsync<IOException>(trail.SignNow);
            (_fails, _onFailure) = (false, () => { });
            await Assert.ThrowsAsync<IOException>(trail.SignNow);
            await Assert.ThrowsAsync<IOException>(() => Append(trail, 20, 21));
        }

        await using (var trail = Open())
        {
            Assert.Equal(12, trail.Records);
            Assert.Contains("record 19", await File.ReadAllTextAsync(trail.SetAside!), StringComparison.Ordinal);
            await Append(trail, 12, 15);
        }

        Assert.Equal((TrailFault.None, 15L), Verdict(Folder));
    }

    [Fact]
    public async Task Sync_OnlyTheWriterFlushes_AndItsFailureIsItsCallers()
    {
        await using (var trail = Open(new() { Sync = true, Flush = Flush }))
        {
            await Append(trail, 0, 3);
            Assert.Equal(3, _flushes);
            await trail.SignNow();
            Assert.Equal(3, _flushes);
            _fails = true;
            await Assert.ThrowsAsync<IOException>(() => Append(trail, 3, 4));
            _fails = false;
            await trail.SignNow();
            await Append(trail, 4, 5);
        }

        Assert.Equal(["record 0", "record 1", "record 2", "record 4"], File.ReadLines(Folder.RecordPath(0)).Select(line => line.Split('"')[^2]));
        Assert.Equal((TrailFault.None, 4L), Verdict(Folder));
    }

    [Fact]
    public async Task TailThatACrashLeft_IsWrittenAgainAndFlushed_BeforeItIsSigned()
    {
        await using (var trail = Open())
        {
            await Append(trail, 0, 10);
            await trail.SignNow();
            await Append(trail, 10, 600);
            await trail.SignNow();
            await File.WriteAllBytesAsync(Path.Combine(Folder.Path, "old"), await File.ReadAllBytesAsync(Path.Combine(Folder.Path, "checkpoints", $"{10:D20}")));
            Copy();
        }

        File.Move(Path.Combine(Crashed.Path, "old"), Path.Combine(Crashed.Path, "checkpoint"), overwrite: true);
        _fails = true;
        Assert.Throws<IOException>(() => Open(new() { Flush = Flush }, Crashed));
        _fails = false;
        await using (var trail = Open(new() { Flush = Flush }, Crashed))
        {
            Assert.Equal(2, _flushes);

            // Without a new record.
            Assert.Equal(600, (await trail.SignNow()).Size);
        }

        Assert.Equal((TrailFault.None, 600L), Verdict(Crashed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EdgeTileOfTheLastArchivedCheckpoint_ThatAPowerFailureTook_IsRebuilt(bool isFirstFileAway)
    {
        Checkpoint expected;
        await using (var trail = Open(new() { KeepEvery = TimeSpan.Zero, Limits = new(5_000, TimeSpan.FromDays(1)) }))
        {
            foreach (var (from, to) in ((int, int)[])[(0, 300), (300, 600), (600, 700)])
            {
                await Append(trail, from, to);
                await trail.SignNow();
            }

            Copy();
            await Append(trail, 700, 800);
            expected = await trail.SignNow();
        }

        // Checkpoint 600 needs tile 2 at its edge. A tile in the middle is gone, too, if it can be rebuilt.
        File.Delete(Path.Combine(Crashed.Path, "checkpoints", $"{700:D20}"));
        Zero(Path.Combine(Crashed.Path, "tile", "0", "002.p"));
        if (isFirstFileAway)
        {
            File.Delete(Crashed.RecordPath(0));
        }
        else
        {
            await File.WriteAllBytesAsync(Path.Combine(Crashed.Path, "tile", "0", "001"), new byte[Tile.FullWidth * TreeHash.Length]);
        }

        await using (var trail = Open(folder: Crashed))
        {
            Assert.Equal(700, trail.Records);
            await Append(trail, 700, 800);
            Assert.Equal(expected, await trail.SignNow());
        }

        if (!isFirstFileAway)
        {
            Assert.Equal((TrailFault.None, 800L), Verdict(Crashed));
        }
    }

    [Fact]
    public async Task PartialTiles_StayUntilTheFullOneIsFlushed_AndAreNotReplacedByTheSame()
    {
        await using var trail = Open();
        await Append(trail, 0, 257);
        await trail.SignNow();
        var upper = Path.Combine(Folder.Path, "tile", "1", "000.p", "1");
        var lower = Path.Combine(Folder.Path, "tile", "0", "001.p", "1");
        File.SetLastWriteTimeUtc(upper, _longAgo);
        await Append(trail, 257, 300);
        await trail.SignNow();
        Assert.Equal(_longAgo, File.GetLastWriteTimeUtc(upper));
        await Append(trail, 300, 512);
        await trail.SignNow();
        Assert.True(File.Exists(lower));
        Assert.True(File.Exists(Path.Combine(Folder.Path, "tile", "0", "001")));
        _time.Advance(TimeSpan.FromHours(1));
        await trail.SignNow();
        Assert.False(File.Exists(lower));
    }

    [Theory]
    [InlineData("archived", "there are archived ones")]
    [InlineData("witnessed", "a witness cosigned one")]
    [InlineData("records", "there are records")]
    [InlineData("unreadable", "cannot be read")]
    public async Task LogWhoseCheckpointIsGone_IsNotSignedAnew(string what, string reason)
    {
        await using (var trail = Open())
        {
            await Append(trail, 0, 10);
        }

        var checkpoint = Path.Combine(Folder.Path, "checkpoint");
        if (what == "unreadable") await File.WriteAllTextAsync(checkpoint, "");
        else File.Delete(checkpoint);
        if (what == "witnessed") Folder.WriteWitnessed(Folder.KeptCheckpoints().Last());
        if (what is "records" or "witnessed") Directory.Delete(Path.Combine(Folder.Path, "checkpoints"), recursive: true);
        Assert.Contains(reason, Assert.Throws<BrokenTrailException>(() => Open()).Message, StringComparison.Ordinal);
        Assert.Null(Folder.ReadHead());
    }

    [Fact]
    public async Task CheckpointKeptElsewhere_IsCompared_BeforeAnythingIsSigned()
    {
        Checkpoint anchor;
        await using (var trail = Open())
        {
            await Append(trail, 0, 10);
            anchor = await trail.SignNow();
            await Append(trail, 10, 20);
        }

        var before = await File.ReadAllBytesAsync(Path.Combine(Folder.Path, "checkpoint"));
        Assert.Throws<BrokenTrailException>(() => Open(anchor: anchor with { Root = TreeHash.Empty }));
        Assert.Throws<BrokenTrailException>(() => Open(anchor: anchor with { Size = 21 }));
        Assert.Equal(before, await File.ReadAllBytesAsync(Path.Combine(Folder.Path, "checkpoint")));
        await using (var trail = Open(anchor: anchor))
        {
            Assert.Equal(20, trail.Records);
        }

        // Everything that knew of it was removed, except what is elsewhere.
        Directory.Delete(Folder.Path, recursive: true);
        Assert.Throws<BrokenTrailException>(() => Open(anchor: anchor));
        Assert.Null(Folder.ReadHead());
    }

    [Fact]
    public async Task SigningThatFails_IsUnhealthyAfterHalfAMinute_UntilItSucceeds()
    {
        await using var trail = Open();
        await Append(trail, 0, 1);
        var obstacle = Directory.CreateDirectory(Path.Combine(Folder.Path, "checkpoint.new"));
        await Assert.ThrowsAnyAsync<Exception>(trail.SignNow);
        Assert.True(trail.IsHealthy);
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.False(trail.IsHealthy);
        obstacle.Delete();
        Assert.Equal(1, (await trail.SignNow()).Size);
        Assert.True(trail.IsHealthy);
    }

    [Fact]
    public async Task NextFile_ThatAFailedAttemptLeft_IsUsed()
    {
        await using (var trail = Open(new() { Sync = true, Limits = new(1, TimeSpan.FromDays(1)) }))
        {
            await Append(trail, 0, 1);
            await File.WriteAllTextAsync(Folder.RecordPath(1), "");
            await Append(trail, 1, 2);
            await File.WriteAllTextAsync(Folder.RecordPath(2), "not ours");
            await Assert.ThrowsAsync<IOException>(() => Append(trail, 2, 3));
            File.Delete(Folder.RecordPath(2));
            await Append(trail, 2, 3);
        }

        Assert.Equal((TrailFault.None, 3L), Verdict(Folder));
    }

    [Fact]
    public async Task WriteThatHangs_EndsTheAnsweringOfUnwrittenRecords()
    {
        using var entered = new ManualResetEventSlim();
        using var released = new ManualResetEventSlim();
        await using (var trail = Open(new()
        {
            Deferred = true,
            Limits = new(1, TimeSpan.FromDays(1)),
            Flush = _ =>
            {
                entered.Set();
                released.Wait();
            },
        }))
        {
            await Append(trail, 0, 1);
            _time.Advance(TimeSpan.FromMilliseconds(50));
            Assert.True(SpinWait.SpinUntil(() => trail.Records == 1, TimeSpan.FromMinutes(1)));
            await Append(trail, 1, 2);
            _time.Advance(TimeSpan.FromMilliseconds(50));
            Assert.True(entered.Wait(TimeSpan.FromMinutes(1)));
            await Append(trail, 2, 3);
            _time.Advance(TimeSpan.FromSeconds(6));
            await Assert.ThrowsAsync<TimeoutException>(() => Append(trail, 3, 4));
            released.Set();
        }

        Assert.Equal((TrailFault.None, 3L), Verdict(Folder));
    }

    private void Flush(SafeFileHandle handle)
    {
        _flushes++;
        if (_fails)
        {
            _onFailure();
            throw new IOException("The disk fails.");
        }

        OrleansKms.Files.LibC.FlushFile(handle);
    }

    private AuditTrail Open(TrailOptions? options = null, TrailFolder? folder = null, Checkpoint? anchor = null) => AuditTrail.Open(
        folder ?? Folder, SignedNoteTests.Signer("okms.example/log", 7), options ?? new(), _time, NullLogger<AuditTrail>.Instance, anchor);

    private static async Task Append(AuditTrail trail, int from, int to)
    {
        for (var i = from; i < to; i++) await trail.Append(Encoding.UTF8.GetBytes($"\"n\":\"record {i}\""));
    }

    private static (TrailFault Fault, long Records) Verdict(TrailFolder folder)
    {
        using var signer = SignedNoteTests.Signer("okms.example/log", 7);
        var report = new TrailVerifier(folder, signer.Verifier).Verify();
        return (report.Fault, report.Records);
    }

    // One line of a file, as a page that did not get to the disk.
    private static void Zero(string path, int line)
    {
        var lines = File.ReadAllLines(path);
        lines[line] = new('\0', lines[line].Length);
        var text = Encoding.UTF8.GetBytes(string.Concat(lines.Select(one => one + "\n")));
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, text, 0);
    }

    private static void Zero(string directory)
    {
        foreach (var file in Directory.EnumerateFiles(directory)) File.WriteAllBytes(file, new byte[new FileInfo(file).Length]);
    }

    private void Copy()
    {
        foreach (var file in Directory.EnumerateFiles(Folder.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            var copy = Path.Combine(Crashed.Path, Path.GetRelativePath(Folder.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
