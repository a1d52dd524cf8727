using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Audit;

/// <summary>What is asked of a key is one record, whether it is allowed or refused, and nothing is answered without it.</summary>
public sealed class AuditedKeyTests : IDisposable
{
    private static readonly byte[] _plaintext = "never in a record"u8.ToArray();
    private static readonly byte[] _context = "nor this context"u8.ToArray();

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-audited-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task EachOperation_IsOneRecord_WithWhatItWasAndHowItEnded()
    {
        var logs = Path.Combine(_folder.FullName, "audit");
        await using (var silo = await Start(logs))
        {
            await silo.Create("audited");
            var key = silo.Key("audited");
            var encrypted = await key.Encrypt(new(TestSilo.Caller, _plaintext, _context));
            await key.Decrypt(new(TestSilo.Caller, encrypted.Ciphertext, _context));
            await Refused(() => key.Decrypt(new(TestSilo.Caller, encrypted.Ciphertext)).AsTask(), KmsError.InvalidCiphertext);
            await key.EncryptBatch(new(TestSilo.Caller, [new(_plaintext), new([])]));
            await key.GenerateDataKey(new(TestSilo.Caller, 32, true));
            await key.Rotate(new(TestSilo.Caller));
            await key.Rewrap(new(TestSilo.Caller, encrypted.Ciphertext, _context));
            await key.DisableVersion(new(TestSilo.Caller, 1));
            await key.Disable(new(TestSilo.Caller));
            await Refused(() => key.Encrypt(new(TestSilo.Caller, _plaintext)).AsTask(), KmsError.KeyDisabled);
            await key.Describe(new(TestSilo.Caller));
            await Refused(() => silo.Key("unknown").Describe(new(TestSilo.Caller)), KmsError.KeyNotFound);

            // A plan that is used up: what the key does by itself is recorded as its own.
            await silo.Create("planned", new(null, 1));
            await silo.Key("planned").Encrypt(new(TestSilo.Caller, _plaintext));
            await silo.Key("planned").Encrypt(new(TestSilo.Caller, _plaintext));
        }

        var text = await File.ReadAllTextAsync(TrailFolder.In(logs).Single().RecordPath(0));
        Assert.DoesNotContain("never in a record", text, StringComparison.Ordinal);
        Assert.DoesNotContain("nor this context", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(_plaintext), text, StringComparison.Ordinal);
        Assert.Equal(
            [
                "start ok", "migration ok", "kek-create ok", "keys:create audited v1 ok", "keys:encrypt audited v1 ok 17 hmac", "keys:decrypt audited v1 ok 17 hmac",
                "keys:decrypt audited invalid_ciphertext", "keys:encrypt audited ok 2/1", "keys:datakey audited v1 ok 32",
                "keys:rotate audited v2 ok", "keys:rewrap audited v2 ok hmac", "keys:disable-version audited v1 ok", "keys:disable audited v2 ok",
                "keys:encrypt audited key_disabled 17", "keys:describe audited v2 ok", "keys:describe unknown key_not_found",
                "keys:create planned v1 ok", "keys:encrypt planned v1 ok 17", "keys:rotate-by-plan planned v2 ok", "keys:encrypt planned v2 ok 17", "stop ok",
            ],
            text.TrimEnd().Split('\n').Select(Brief));
    }

    [Fact]
    public async Task WhatAKeyDoesByItself_IsRecorded_WithTheRevisionThatItsHistoryHas()
    {
        var (logs, time) = (Path.Combine(_folder.FullName, "audit"), new FakeTimeProvider(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)));
        var day = TimeSpan.FromDays(1);
        var events = new HashSet<(string Key, string Action, long Revision)>();
        await using (var silo = await TestSilo.Start(new() { DataDirectory = Path.Combine(_folder.FullName, "data") }, time: time, audit: new() { Directory = logs }))
        {
            await silo.Create("timed", new(day, null));
            await silo.Create("used", new(null, 1));
            await silo.Create("looked-at", new(null, 1));
            await silo.Create("old");
            await silo.Create("gone");
            foreach (var id in (string[])["used", "used", "looked-at"]) await silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));
            await silo.Key("old").Rotate(new(TestSilo.Caller));
            await silo.Versions("old").ScheduleDestruction(new(TestSilo.Caller, 1, day));
            await silo.Key("gone").ScheduleDeletion(new(TestSilo.Caller, day));
            time.Advance(day);
            foreach (var id in (string[])["timed", "used", "looked-at", "old", "gone"])
            {
                await silo.Key(id).Describe(new(TestSilo.Caller));
                var history = await silo.Grains.GetGrain<IKeyHistoryGrain>(id).Read(new(TestSilo.Caller, 100, null));
                events.UnionWith(history.Events.Select(e => (id, e.Action, e.Revision)));
            }
        }

        // The day has begun a file of its own.
        var own = TrailFolder.In(logs).Single().RecordFiles().SelectMany(file => File.ReadLines(file.Path)).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(record => record.TryGetProperty("key_id", out _) && record.GetProperty("principal").GetString() == "okms")
            .Select(record => (record.GetProperty("key_id").GetString()!, record.GetProperty("action").GetString()!, record.TryGetProperty("revision", out var revision) ? revision.GetInt64() : -1)).ToList();
        Assert.Equal(
            ["gone keys:destroy", "looked-at keys:rotate-by-plan", "old keys:destroy-version", "timed keys:rotate-by-plan", "used keys:rotate-by-plan", "used keys:rotate-by-plan"],
            own.Select(record => $"{record.Item1} {record.Item2}").Order(StringComparer.Ordinal));
        Assert.All(own, record => Assert.Contains(record, events));
    }

    [SmallDiskFact]
    public async Task FullDisk_NothingIsAnswered_UntilThereIsRoom()
    {
        using var disk = new SmallDisk(mebibytes: 8);
        await using (var silo = await Start(disk.Of("audit")))
        {
            await silo.Create("full");
            var key = silo.Key("full");
            var encrypted = await key.Encrypt(new(TestSilo.Caller, _plaintext));
            disk.Fill();

            // What is left of the last block still takes some records, and shorter ones when it takes no longer ones.
            await Unavailable(() => key.Encrypt(new(TestSilo.Caller, _plaintext)).AsTask());
            await Unavailable(() => key.Decrypt(new(TestSilo.Caller, encrypted.Ciphertext)).AsTask());
            await Unavailable(() => silo.Key("none").Describe(new(TestSilo.Caller)));
            await Refused(() => key.Disable(new(TestSilo.Caller)), KmsError.AuditUnavailable);
            disk.Free();
            await ClusterWait.Until(async () => await Code(() => key.Decrypt(new(TestSilo.Caller, encrypted.Ciphertext)).AsTask()) is null);
            Assert.Equal(KeyState.Enabled, (await key.Describe(new(TestSilo.Caller))).State);
        }

        var folder = TrailFolder.In(disk.Of("audit")).Single();
        Assert.Equal(TrailFault.None, new TrailVerifier(folder, folder.ReadKey()!).Verify().Fault);
        Assert.DoesNotContain("keys:disable", await File.ReadAllTextAsync(folder.RecordPath(0)), StringComparison.Ordinal);
    }

    private Task<TestSilo> Start(string logs) =>
        TestSilo.Start(new() { DataDirectory = Path.Combine(_folder.FullName, "data") }, audit: new() { Directory = logs });

    private static Task Unavailable(Func<Task> call) => ClusterWait.Until(async () => await Code(call) == KmsError.AuditUnavailable.Code);

    private static async Task Refused(Func<Task> call, KmsError error) => Assert.Equal(error.Code, await Code(call));

    private static async Task<string?> Code(Func<Task> call) => (await Record.ExceptionAsync(call) as KmsException)?.Code;

    private static string Brief(string line)
    {
        var record = JsonDocument.Parse(line).RootElement;
        string Text(string name, string before = " ") => record.TryGetProperty(name, out var value) ? before + value : "";
        return Text("action", "") + Text("key_id") + Text("key_version", " v") + Text("outcome") + Text("bytes")
            + Text("items") + Text("failed_items", "/") + (Text("associated_data_hmac").Length > 0 ? " hmac" : "");
    }
}

/// <summary>Waits for what a disk makes true a moment later.</summary>
internal static class ClusterWait
{
    public static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
