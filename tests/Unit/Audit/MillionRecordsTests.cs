using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>A file of a million records: whatever is done to it is found, and named.</summary>
public sealed class MillionRecordsTests : IDisposable
{
    private const int Count = 1_000_000;
    private const int AtOnce = 10_000;

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-million-");

    private TrailFolder Folder => new(Path.Combine(_root.FullName, "log"));

    private string Records => Folder.RecordPath(0);

    private static NoteVerifier Key
    {
        get
        {
            using var signer = Signer();
            return signer.Verifier;
        }
    }

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task WhateverIsDoneToIt_IsFound()
    {
        await Write(Count);
        var kept = Folder.ReadHead()!;
        var asWritten = Verify(kept);
        Assert.Equal((TrailFault.None, Count), (asWritten.Fault, asWritten.Records));

        // One byte, anywhere.
        var at = Random.Shared.NextInt64(new FileInfo(Records).Length - 1);
        var (record, was) = Overwrite(at, (byte)'#');
        var changed = Verify(kept);
        Assert.True((TrailFault.Changed, record) == (changed.Fault, changed.Record), $"byte {at} of record {record}: {changed}");
        Overwrite(at, was);

        var whole = await File.ReadAllBytesAsync(Records);
        var (one, next, end) = (StartOf(whole, 700_000), StartOf(whole, 700_001), StartOf(whole, 700_002));
        Assert.Equal((TrailFault.Removed, 700_000L), await After([whole[..one], whole[next..]]));
        Assert.Equal((TrailFault.Reordered, 700_000L), await After([whole[..one], whole[next..end], whole[one..next], whole[end..]]));
        Assert.Equal((TrailFault.CutOff, 100_000L), await After([whole[..StartOf(whole, 100_000)]]));

        // By whoever has the log's key: one record is another, and everything is signed anew. The log agrees with itself.
        await Put([whole[..one], Encoding.UTF8.GetBytes("{\"sequence\":700000,\"n\":\"other\"}\n"), whole[next..]]);
        Directory.Delete(Path.Combine(Folder.Path, "tile"), recursive: true);
        Directory.Delete(Path.Combine(Folder.Path, "checkpoints"), recursive: true);
        Resign(Folder);
        await Open(new()).DisposeAsync();
        Assert.Equal(TrailFault.None, Verify().Fault);
        Assert.Equal(TrailFault.Rewritten, Verify(kept).Fault);

        async Task Put(byte[][] parts)
        {
            await using var file = File.Create(Records);
            foreach (var part in parts) await file.WriteAsync(part);
        }

        async Task<(TrailFault, long)> After(byte[][] parts)
        {
            await Put(parts);
            var report = Verify(kept);
            return (report.Fault, report.Record);
        }
    }

    /// <summary>The first byte and the last, those around tiles' edges, and some drawn anywhere; of fewer records, so that each takes milliseconds.</summary>
    [Fact]
    public async Task OneByte_WhereverItIs_IsFound()
    {
        const int Few = 66_000;
        await Write(Few);
        var kept = Folder.ReadHead()!;
        var whole = await File.ReadAllBytesAsync(Records);
        long[] edges = [.. new[] { 1, 255, 256, 257, 65_535, 65_536, Few - 1 }.SelectMany(record => new long[] { StartOf(whole, record) - 2, StartOf(whole, record) })];
        foreach (var at in (long[])[0, .. edges, whole.Length - 2, .. Enumerable.Range(0, 20).Select(_ => Random.Shared.NextInt64(whole.Length - 1))])
        {
            var (record, was) = Overwrite(at, (byte)'#');
            var changed = Verify(kept);
            Assert.True((TrailFault.Changed, record) == (changed.Fault, changed.Record), $"byte {at} of record {record}: {changed}");
            Overwrite(at, was);
        }

        Assert.Equal(TrailFault.None, Verify(kept).Fault);
    }

    private async Task Write(int count)
    {
        await using var trail = Open(new());
        var written = new List<Task>(AtOnce);
        for (var i = 0; i < count; i++)
        {
            written.Add(trail.Append(Record(i)).AsTask());
            if (written.Count < AtOnce && i < count - 1) continue;
            await Task.WhenAll(written);
            written.Clear();
        }
    }

    private static NoteSigner Signer() => SignedNoteTests.Signer("okms.example/million", 7);

    private static byte[] Record(int n) => Encoding.UTF8.GetBytes($"\"n\":\"record {n}\"");

    private AuditTrail Open(TrailOptions options) =>
        AuditTrail.Open(Folder, Signer(), options, TimeProvider.System, NullLogger<AuditTrail>.Instance);

    private void Resign(TrailFolder folder)
    {
        var tree = TiledTree.Empty(folder);
        RecordReader.ReadLines(Records, 0, long.MaxValue, (line, _) =>
        {
            tree.Append(TreeHash.OfLeaf(line));
            return true;
        });
        tree.KeepPartialTiles();
        using var signer = Signer();
        folder.WriteHead(signer.Sign(new Checkpoint(signer.Verifier.Name, tree.Size, tree.Root).ToText()));
    }

    private TrailReport Verify(params SignedNote[] kept) => new TrailVerifier(Folder, Key).Verify(kept);

    /// <summary>Overwrites a byte of a record; where the record ends, the one before.</summary>
    private (long Record, byte Before) Overwrite(long at, byte value)
    {
        using var file = new FileStream(Records, FileMode.Open, FileAccess.ReadWrite);
        var before = new byte[at + 1];
        file.ReadExactly(before);
        if (before[at] == (byte)'\n') at--;
        var was = before[at];
        file.Position = at;
        file.WriteByte(value);
        return (before.AsSpan(0, (int)at).Count((byte)'\n'), was);
    }

    private static int StartOf(byte[] records, int number)
    {
        var at = 0;
        for (; number > 0; number--) at += records.AsSpan(at).IndexOf((byte)'\n') + 1;
        return at;
    }
}
