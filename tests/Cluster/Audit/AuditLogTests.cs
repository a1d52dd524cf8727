using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Audit;

/// <summary>A silo's log of the audit trail: it opens with the silo, its key lies sealed in the database, and its checkpoints are anchored there.</summary>
public sealed class AuditLogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-auditlog-");

    private string Logs => Path.Combine(_folder.FullName, "audit");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Log_GoesOnAfterARestart_VerifiesByItsAnchor_AndKeepsItsSecretsSealed(string kind)
    {
        using var database = await KeyDatabase.Make(kind);
        for (var run = 0; run < 2; run++)
        {
            await using var silo = await Start(database);
            await Log(silo).Write(new("encrypt", AuditRecord.Ok)
            {
                Caller = TestSilo.Caller,
                KeyId = "k",
                KeyVersion = 1,
                Bytes = 7,
                AssociatedData = "what nobody may read"u8.ToArray(),
            });
        }

        var folder = TrailFolder.In(Logs).Single();
        var lines = await File.ReadAllLinesAsync(folder.RecordPath(0));
        var records = lines.Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["start", "migration", "kek-create", "encrypt", "stop", "start", "encrypt", "stop"], records.Select(record => record.GetProperty("action").GetString()));
        Assert.Equal(
            ["sequence", "time", "log", "request_id", "principal", "source", "action", "key_id", "key_version", "outcome", "bytes", "associated_data_hmac"],
            records[3].EnumerateObject().Select(member => member.Name));
        Assert.Equal(records[3].GetProperty("associated_data_hmac").GetString(), records[6].GetProperty("associated_data_hmac").GetString());
        Assert.All(lines, line => Assert.DoesNotContain("nobody", line, StringComparison.Ordinal));
        Assert.All(records, record => Assert.Equal(folder.Id, record.GetProperty("log").GetString()));

        await using var last = await Start(database);
        var anchor = (await Anchors(last).ReadAll(default)).Single();
        Assert.Equal((folder.Id, 8L), (anchor.Id, anchor.Size));
        var key = NoteVerifier.Parse(anchor.Key);
        Assert.Equal(TrailFault.None, new TrailVerifier(folder, key).Verify(SignedNote.Parse(System.Text.Encoding.UTF8.GetBytes(anchor.Checkpoint))!).Fault);
        foreach (var id in (GrainId[])[AuditRow.OfLog(folder.Id), AuditRow.OfService])
        {
            using var secret = await last.Services.GetRequiredService<AuditSecrets>().Find(id);
            Assert.False(await KeyDatabase.Holds(last, secret!.Span.ToArray()));
        }
    }

    [Theory]
    [InlineData("older", "it does not begin with the")]
    [InlineData("changed", "it does not begin with the")]
    [InlineData("cut", "ends before record")]
    [InlineData("unsigned", "there are records")]
    public async Task LogThatWasTouchedWhileTheSiloWasAway_IsLeftAsItIs_AndANewOneSaysSo(string how, string reason)
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using (await Start(database))
        {
        }

        var copy = Path.Combine(_folder.FullName, "copy");
        Copy(Logs, copy);
        await using (var silo = await Start(database))
        {
            for (var i = 0; i < 10; i++) await Log(silo).Write(new("encrypt", AuditRecord.Ok) { KeyId = $"key-{i}" });
        }

        var first = TrailFolder.In(Logs).Single();
        var file = first.RecordPath(0);
        if (how == "older")
        {
            Directory.Delete(Logs, recursive: true);
            Directory.Move(copy, Logs);
        }
        else if (how == "changed")
        {
            // By whoever has the key: signed anew, over other records.
            await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("key-3", "key-4", StringComparison.Ordinal));
            await Resign(database, first);
        }
        else if (how == "unsigned")
        {
            // So that it would be signed anew, over whatever records.
            foreach (var name in (string[])["tile", "checkpoints"]) Directory.Delete(Path.Combine(first.Path, name), recursive: true);
            File.Delete(Path.Combine(first.Path, "checkpoint"));
        }
        else
        {
            await File.WriteAllLinesAsync(file, (await File.ReadAllLinesAsync(file))[..5]);
        }

        var before = await File.ReadAllBytesAsync(file);
        await using (var silo = await Start(database))
        {
            await Log(silo).Write(new("encrypt", AuditRecord.Ok) { KeyId = "later" });
        }

        var folders = TrailFolder.In(Logs).ToList();
        Assert.Equal(2, folders.Count);
        Assert.Equal(before, await File.ReadAllBytesAsync(file));
        var begin = JsonDocument.Parse((await File.ReadAllLinesAsync(folders[1].RecordPath(0)))[0]).RootElement;
        Assert.Equal("audit-begin", begin.GetProperty("action").GetString());
        Assert.Contains(first.Id, begin.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains(reason, begin.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DirectoryThatCannotServe_RefusesTheStart()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await File.WriteAllTextAsync(Logs, "a file");
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => Start(database));
        Assert.Contains(Logs, refused.GetBaseException().Message + refused.Message, StringComparison.Ordinal);
        Assert.True(refused is StartRefusedException || refused.InnerException is StartRefusedException, $"{refused}");
    }

    [Fact]
    public async Task CallerThatSaysTooMuchOfItself_IsRecordedInShort()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using (var silo = await Start(database))
        {
            await Log(silo).Write(new("encrypt", AuditRecord.Ok) { Caller = new("p", new string('s', 200_000), "r") });
        }

        var line = (await File.ReadAllLinesAsync(TrailFolder.In(Logs).Single().RecordPath(0)))[3];
        Assert.InRange(line.Length, 512, 1024);
    }

    [Fact]
    public async Task Async_WritesWithoutBeingWaitedFor_AndOff_WritesNothing()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using (var silo = await Start(database, AuditMode.Async))
        {
            for (var i = 0; i < 100; i++)
            {
                var written = Log(silo).Write(new("encrypt", AuditRecord.Ok)).AsTask();
                Assert.True(written.IsCompletedSuccessfully);
                await written;
            }
        }

        Assert.Equal(104, (await File.ReadAllLinesAsync(TrailFolder.In(Logs).Single().RecordPath(0))).Length);
        await using (var silo = await Start(database, AuditMode.Off))
        {
            await Log(silo).Write(new("encrypt", AuditRecord.Ok));
        }

        Assert.Equal(104, (await File.ReadAllLinesAsync(TrailFolder.In(Logs).Single().RecordPath(0))).Length);
    }

    private Task<TestSilo> Start(KeyDatabase database, AuditMode mode = AuditMode.Blocking) =>
        TestSilo.Start(database.Options, audit: new() { Directory = Logs, Mode = mode });

    private static AuditLog Log(TestSilo silo) => silo.Services.GetRequiredService<AuditLog>();

    private static AuditAnchors Anchors(TestSilo silo) => silo.Services.GetRequiredService<AuditAnchors>();

    private async Task Resign(KeyDatabase database, TrailFolder folder)
    {
        await using var silo = await TestSilo.Start(database.Options, audit: new() { Directory = Logs, Mode = AuditMode.Off });
        using var seed = await silo.Services.GetRequiredService<AuditSecrets>().Find(AuditRow.OfLog(folder.Id));
        using var signer = new NoteSigner(folder.ReadKey()!.Name, seed!);
        foreach (var name in (string[])["tile", "checkpoints"]) Directory.Delete(Path.Combine(folder.Path, name), recursive: true);
        var tree = TiledTree.Empty(folder);
        foreach (var line in await File.ReadAllLinesAsync(folder.RecordPath(0))) tree.Append(TreeHash.OfLeaf(System.Text.Encoding.UTF8.GetBytes(line)));
        tree.KeepPartialTiles();
        folder.WriteHead(signer.Sign(new Checkpoint(signer.Verifier.Name, tree.Size, tree.Root).ToText()));
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
