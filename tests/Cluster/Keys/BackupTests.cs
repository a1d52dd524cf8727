using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Backups;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A key that was lost and is restored from its own backup: what comes back, and what must not.</summary>
public sealed class BackupTests : KeyGrainTest
{
    private const string Id = "lost.key";

    // Long after the beginning of 2026, so that numbers of versions are free.
    public BackupTests() => Time.Advance(TimeSpan.FromDays(300));

    [Fact]
    public async Task Restored_DecryptsWhatItDid_AndEncryptsOnlyUnderANewVersion()
    {
        await Silo.Key(Id).Create(new()
        {
            Caller = TestSilo.Caller,
            Description = "d",
            Tags = new Dictionary<string, string> { ["team"] = "pay" },
            Exportable = true,
            Rotation = new(TimeSpan.FromDays(90), 5000),
            Limits = [new(1000, TimeSpan.FromHours(1), "keys:encrypt")],
            Approval = new(["destroy"], 1, ["alice"], TimeSpan.FromDays(7)),
        });
        var first = await Encrypt(Id);
        await Rotate(Id);
        var second = await Encrypt(Id);
        await Decrypt(Id, second);
        await Silo.Key(Id).Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 1 });
        var before = await Describe(Id);
        var created = await History();
        var backup = await BackUp();

        // What follows the backup is lost, but for what the versions in it encrypt.
        var late = await Encrypt(Id);
        await Rotate(Id);
        var lost = await Encrypt(Id);
        await Lose();
        await Refused("key_not_found", () => Describe(Id));

        var restored = await Restore(backup);
        Assert.Equal(Ceiling, restored.PrimaryVersion);
        foreach (var after in new[] { restored, await Describe(Id) })
        {
            Assert.Equal(
                Text(before with { PrimaryVersion = 0, NextRotationAt = null, Versions = [], Uses = new() }),
                Text(after with { PrimaryVersion = 0, NextRotationAt = null, Versions = [], Uses = new() }));
            Assert.Equal([1, 2, Ceiling], after.Versions.Select(v => v.Version));
            Assert.Equal(before.Versions.Select(v => v.CreatedAt), after.Versions.SkipLast(1).Select(v => v.CreatedAt));
            Assert.All(before.Versions.Zip(after.Versions), v => Assert.True(v.Second.Uses >= v.First.Uses, $"version {v.First.Version} counts fewer uses than before"));
            Assert.Equal((before.Uses.Decrypt, Time.GetUtcNow().AddDays(90)), (after.Uses.Decrypt, after.NextRotationAt!.Value));
        }

        Assert.All((await Silo.Grains.GetGrain<IKeyRowsGrain>(Id).Check(new(TestSilo.Caller))), check => Assert.Null(check.Error));
        foreach (var encrypted in new[] { first, second, late }) Assert.Equal(Plaintext, (await Decrypt(Id, encrypted)).Plaintext);
        await Refused("invalid_ciphertext", () => Decrypt(Id, lost));
        var anew = await Encrypt(Id);
        Assert.Equal(restored.PrimaryVersion, anew.KeyVersion);
        Assert.Equal(Plaintext, (await Decrypt(Id, anew)).Plaintext);
        Assert.Equal("rewrapped", await Rewrapped(first, restored.PrimaryVersion));

        // The chain is a new one, and says where the one before it ended.
        var history = await Silo.Grains.GetGrain<IKeyHistoryGrain>(Id).Read(new(TestSilo.Caller, 100));
        Assert.True(history.Verified && history.IsComplete);
        var told = Assert.Single(history.Events);
        Assert.Equal(("keys:restore", "test", restored.PrimaryVersion), (told.Action, told.Principal, told.Version));
        Assert.EndsWith($", which follows event {created.Number}, {created.Hash}", told.Reason, StringComparison.Ordinal);

        // The rule of dual control came with it.
        await Refused("approval_pending", () => Silo.Key(Id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromDays(30))));
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Ceiling, (await Rotate(Id)).PrimaryVersion);
        await Restart();
        foreach (var encrypted in new[] { first, second, late, anew }) Assert.Equal(Plaintext, (await Decrypt(Id, encrypted)).Plaintext);
    }

    [Fact]
    public async Task Restored_OfAKeyThatHasAnotherLife_IsRefused_AndNothingChanges()
    {
        await Silo.Create(Id);
        var backup = await BackUp();
        await Refused("key_exists", () => Restore(backup));
        await Silo.Key(Id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        await Refused("key_exists", () => Restore(backup));
        await Refused("key_pending_deletion", BackUp);
        Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(KeyState.Destroyed, (await Describe(Id)).State);
        await Refused("key_destroyed", () => Restore(backup));
        await Refused("key_destroyed", BackUp);
        await Restart();
        await Refused("key_destroyed", () => Restore(backup));
        Assert.Equal([1], (await Describe(Id)).Versions.Select(v => v.Version));
    }

    [Fact]
    public async Task States_AreRestored_ADisabledKeyAndADisabledVersionStaySo()
    {
        await Silo.Create(Id);
        var first = await Encrypt(Id);
        await Rotate(Id);
        await Rotate(Id);
        await DestroyVersion(Id, 2);
        await Silo.Key(Id).DisableVersion(new(TestSilo.Caller, 1));
        await Silo.Key(Id).Disable(new(TestSilo.Caller));
        var backup = await BackUp();
        await Lose();
        var restored = await Restore(backup);
        Assert.Equal(KeyState.Disabled, restored.State);
        Assert.Equal(
            [(1, KeyVersionState.Disabled), (2, KeyVersionState.Destroyed), (3, KeyVersionState.Enabled), (Ceiling, KeyVersionState.Enabled)],
            restored.Versions.Select(v => (v.Version, v.State)));
        await Refused("key_disabled", () => Encrypt(Id));
        await Silo.Key(Id).Enable(new(TestSilo.Caller));
        Assert.Equal(restored.PrimaryVersion, (await Encrypt(Id)).KeyVersion);
        await Refused("version_not_usable", () => Decrypt(Id, first));
        await Silo.Key(Id).EnableVersion(new(TestSilo.Caller, 1));
        Assert.Equal(Plaintext, (await Decrypt(Id, first)).Plaintext);
        await Refused("version_not_usable", () => Silo.Key(Id).EnableVersion(new(TestSilo.Caller, 2)));
    }

    [Fact]
    public async Task VersionThatWasDestroyedInAFormerLife_StaysSo()
    {
        await Silo.Create(Id);
        var first = await Encrypt(Id);
        await Rotate(Id);
        var second = await Encrypt(Id);
        var backup = await BackUp();
        await DestroyVersion(Id, 1);
        await Lose("key", "key.usage", "key.v2");
        var restored = await Restore(backup);
        Assert.Equal([KeyVersionState.Destroyed, KeyVersionState.Enabled, KeyVersionState.Enabled], restored.Versions.Select(v => v.State));
        await Refused("version_not_usable", () => Decrypt(Id, first));
        Assert.Equal(Plaintext, (await Decrypt(Id, second)).Plaintext);
        await Restart();
        await Refused("version_not_usable", () => Decrypt(Id, first));
    }

    [Fact]
    public async Task RowsOfAFormerLife_AreReplaced_AndItsCountersAreNotLowered()
    {
        await Silo.Create(Id);
        var first = await Encrypt(Id);
        await Rotate(Id);
        var backup = await BackUp();
        for (var i = 0; i < 3000; i++) await Encrypt(Id);

        // Somebody has taken the row key alone away: with it goes the incarnation, which key.usage still has.
        await Lose("key");
        var restored = await Restore(backup);
        Assert.InRange(restored.Versions[1].Uses, 3000, 10_000);
        Assert.Equal(Plaintext, (await Decrypt(Id, first)).Plaintext);

        await Lose("key", "key.usage");
        await Restore(backup);
        Assert.Equal(Plaintext, (await Decrypt(Id, first)).Plaintext);
        Assert.All((await Silo.Grains.GetGrain<IKeyRowsGrain>(Id).Check(new(TestSilo.Caller))), check => Assert.Null(check.Error));
    }

    [Fact]
    public async Task VersionThatAwaitsItsDestruction_RestsForADay_AndIsThenErased()
    {
        await Silo.Create(Id);
        var first = await Encrypt(Id);
        await Rotate(Id);
        await Silo.Versions(Id).ScheduleDestruction(new(TestSilo.Caller, 1, TimeSpan.FromHours(1)));
        var backup = await BackUp();
        await Lose();
        Time.Advance(TimeSpan.FromHours(2));
        var restored = await Restore(backup);
        Assert.Equal((KeyVersionState.PendingDestruction, Time.GetUtcNow().AddDays(1)), (restored.Versions[0].State, restored.Versions[0].DestroyAt));
        await Refused("version_not_usable", () => Decrypt(Id, first));
        Time.Advance(TimeSpan.FromHours(23));
        Assert.Equal(KeyVersionState.PendingDestruction, (await Describe(Id)).Versions[0].State);
        Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(KeyVersionState.Destroyed, (await Describe(Id)).Versions[0].State);
        Assert.Null((await Row<KeyVersionRow>(Id, RowNames.KeyVersion(1)))!.Material);
    }

    [Fact]
    public async Task Limits_AreNotLoosened_WhatWasCountedIsCounted()
    {
        await Silo.Key(Id).Create(new() { Caller = TestSilo.Caller, Limits = [new(3, TimeSpan.FromHours(1), "keys:encrypt")] });
        await Encrypt(Id);
        await Encrypt(Id);
        var backup = await BackUp();
        await Lose();
        await Restore(backup);
        await Encrypt(Id);
        await Refused("rate_limited", () => Encrypt(Id));
        Time.Advance(TimeSpan.FromHours(2));
        await Encrypt(Id);
    }

    [Fact]
    public async Task OwnPolicy_InTheBackup_JudgesWhoRestores()
    {
        await Silo.Create(Id);
        await Silo.Grains.GetGrain<IKeyPolicyGrain>(Id).SetPolicy(new(TestSilo.Caller, PolicyText.Of([new(PolicyEffect.Deny, ["keys:restore"], []) { Principals = ["test"] }])));
        var backup = await BackUp();
        await Lose();
        await Refused("permission_denied", () => Restore(backup));
        Assert.Equal(0, await Rows());
        var other = new Caller("other", "local", "request-1");
        Assert.Equal(Ceiling, (await Backups(Id).Restore(new(other, backup))).PrimaryVersion);
        Assert.NotNull(await Silo.Grains.GetGrain<IKeyPolicyGrain>(Id).DescribePolicy(new(TestSilo.Caller)));
    }

    [Fact]
    public async Task BackupOfSomethingElse_Damaged_OfAnotherKeyServiceOrInstallation_LeavesNothingBehind()
    {
        await Silo.Create(Id);
        await Silo.Create("other");
        var (backup, other) = (await BackUp(), (await Backups("other").BackUp(new(TestSilo.Caller))).Backup);
        await Lose();
        byte[] renamed = [.. other[..37], (byte)Id.Length, .. System.Text.Encoding.ASCII.GetBytes(Id), .. other[(38 + "other".Length)..]];
        List<byte[]> bad = [[], [0], null!, other, renamed, backup[..^1], [.. backup, 0], new byte[KmsLimits.BackupBytes], [.. "okmb"u8]];
        for (var at = 0; at < backup.Length; at += 7)
        {
            var changed = backup.ToArray();
            changed[at] ^= 1;
            bad.Add(changed);
        }

        foreach (var one in bad) await Refused("invalid_parameter", () => Restore(one));
        await Refused("payload_too_large", () => Restore(new byte[KmsLimits.BackupBytes + 1]));

        // Another service of the same database and KEKs, and another installation.
        await Silo.DisposeAsync();
        await using (var service = await TestSilo.Start(new() { DataDirectory = Folder.FullName }, serviceId: "another", time: Time))
        {
            await Refused("invalid_parameter", () => service.Grains.GetGrain<IKeyBackupsGrain>(Id).Restore(new(TestSilo.Caller, backup)));
        }

        var elsewhere = Directory.CreateTempSubdirectory("okms-key-");
        await using (var installation = await TestSilo.Start(new() { DataDirectory = elsewhere.FullName }, time: Time))
        {
            await Refused("invalid_parameter", () => installation.Grains.GetGrain<IKeyBackupsGrain>(Id).Restore(new(TestSilo.Caller, backup)));
        }

        elsewhere.Delete(recursive: true);
        await Restart();
        Assert.Equal(0, await Rows());
        Assert.Equal(Ceiling, (await Restore(backup)).PrimaryVersion);
    }

    [Fact]
    public async Task AuthenticButNotWhole_IsNotValid()
    {
        await Silo.Create(Id);
        await Rotate(Id);
        var row = (await Row<KeyRow>(Id, RowNames.Key))!;
        var whole = await Opened(await BackUp());
        await Lose();
        await Refused("invalid_parameter", () => Restore(Sealed(row, whole.Content with { Key = whole.Content.Key with { State = KeyState.PendingDeletion } }, whole.Material)));
        await Refused("invalid_parameter", () => Restore(Sealed(row, whole.Content with { Key = whole.Content.Key with { Protection = KeyProtection.Hsm } }, whole.Material)));
        await Refused("unsupported_algorithm", () => Restore(Sealed(row, whole.Content with { Key = whole.Content.Key with { Spec = "ROT13" } }, whole.Material)));
        using var secret = SecretBytes.Random(32);
        using var fewer = MaterialBundle.Of([new(2, secret)]);
        await Refused("invalid_parameter", () => Restore(Sealed(row, whole.Content, fewer)));
        Assert.Equal(0, await Rows());
        await Restore(Sealed(row, whole.Content, whole.Material));
        whole.Material.Dispose();
    }

    [Fact]
    public async Task ExternalKey_DecryptsOnly_UntilItsNextImport()
    {
        await Silo.Create(Id);
        var first = await Encrypt(Id);
        var row = (await Row<KeyRow>(Id, RowNames.Key))!;
        var whole = await Opened(await BackUp());
        await Lose();
        var restored = await Restore(Sealed(row, whole.Content with { Key = whole.Content.Key with { Origin = KeyOrigin.External } }, whole.Material));
        whole.Material.Dispose();
        Assert.Equal((1, KeyState.Enabled), (restored.PrimaryVersion, restored.State));
        foreach (var restart in new[] { false, true })
        {
            if (restart) await Restart();
            Assert.Equal(Plaintext, (await Decrypt(Id, first)).Plaintext);
            await Refused("key_pending_import", () => Encrypt(Id));
            Assert.Equal((false, "key_pending_import"), await Validate());
        }
    }

    [Theory]
    [InlineData("HMAC_256", null)]
    [InlineData("AES_256_GCM", "key_pending_import")]
    public async Task ExternalKey_WhoseUsesHaveNoLimit_GoesOn(string spec, string? refusal)
    {
        await Silo.Key(Id).Create(new() { Caller = TestSilo.Caller, Spec = spec });
        var row = (await Row<KeyRow>(Id, RowNames.Key))!;
        var whole = await Opened(await BackUp());
        await Lose();
        await Restore(Sealed(row, whole.Content with { Key = whole.Content.Key with { Origin = KeyOrigin.External } }, whole.Material));
        whole.Material.Dispose();
        Assert.Equal((refusal is null, refusal), await Validate());
        if (refusal is null)
        {
            Assert.Equal(1, (await Silo.Grains.GetGrain<IKeyMacsGrain>(Id).Generate(new(TestSilo.Caller, new(Plaintext)))).KeyVersion);
        }
    }

    /// <summary>The row key broke and was taken away, as the runbook says; rows of versions that the backup lacks are still there.</summary>
    [Theory]
    [InlineData("AES_256_GCM")]
    [InlineData("ECC_NIST_P256")]
    public async Task VersionsMadeSince_WhoseRowsAreLeft_ComeBackDisabled_AndAreErasedWithTheKey(string spec)
    {
        await Silo.Key(Id).Create(new() { Caller = TestSilo.Caller, Spec = spec });
        var backup = await BackUp();
        await Rotate(Id);
        var made = spec == "AES_256_GCM" ? await Encrypt(Id) : null;
        var publicKey = (await Row<KeyRow>(Id, RowNames.Key))!.Versions[1].PublicKey;
        await Rotate(Id);
        await Lose("key");
        var restored = await Restore(backup);
        Assert.Equal(
            [(1, KeyVersionState.Enabled), (2, KeyVersionState.Disabled), (Ceiling, KeyVersionState.Enabled)],
            restored.Versions.Select(v => (v.Version, v.State)));
        Assert.Equal(publicKey, (await Row<KeyRow>(Id, RowNames.Key))!.Versions[1].PublicKey);
        Assert.Contains("made since the backup, disabled: ", (await History()).Reason, StringComparison.Ordinal);
        await Silo.Key(Id).EnableVersion(new(TestSilo.Caller, 2));
        if (made is not null) Assert.Equal(Plaintext, (await Decrypt(Id, made)).Plaintext);
        await Silo.Key(Id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(KeyState.Destroyed, (await Describe(Id)).State);
        foreach (var version in new[] { 1, 2 }) Assert.Null((await Row<KeyVersionRow>(Id, RowNames.KeyVersion(version)))!.Material);
    }

    [Fact]
    public async Task VersionsMadeSince_ThatTheKeyCannotOpen_AreErased()
    {
        await Silo.Create(Id);
        var backup = await BackUp();
        await Rotate(Id);
        await Rotate(Id);

        // With the counters goes the incarnation under which the row was sealed.
        await Lose("key", "key.usage");
        Assert.Equal([1, Ceiling], (await Restore(backup)).Versions.Select(v => v.Version));
        Assert.Null((await Row<KeyVersionRow>(Id, RowNames.KeyVersion(2)))!.Material);
        Assert.Empty((await Row<KeyRow>(Id, RowNames.Key))!.ErasePending);
    }

    /// <summary>It may be the tombstone of a version that was destroyed; whoever replaces it replaces that row and no later one.</summary>
    [Fact]
    public async Task VersionWhoseRowDoesNotOpen_ComesBackDisabled()
    {
        await Silo.Create(Id);
        var first = await Encrypt(Id);
        await Rotate(Id);
        await Rotate(Id);
        var backup = await BackUp();
        await Damage("key.v1");
        await Lose("key");
        var late = new RowSlot<KeyVersionRow>(Silo.Rows, Grain(Id), RowNames.KeyVersion(1));
        await Refused("key_corrupted", late.Read);
        late.ReplaceUnopened();
        var restored = await Restore(backup);
        Assert.Equal([KeyVersionState.Disabled, KeyVersionState.Enabled, KeyVersionState.Enabled, KeyVersionState.Enabled], restored.Versions.Select(v => v.State));
        await Assert.ThrowsAsync<Orleans.Storage.InconsistentStateException>(() => late.Write(new() { Version = 1 }));
        await Refused("version_not_usable", () => Decrypt(Id, first));
        await Silo.Key(Id).EnableVersion(new(TestSilo.Caller, 1));
        Assert.Equal(Plaintext, (await Decrypt(Id, first)).Plaintext);
        await Restart();
        Assert.Equal(Plaintext, (await Decrypt(Id, first)).Plaintext);
    }

    [Fact]
    public async Task PublicKeyAlone_ThatWasDestroyedInAFormerLife_StaysSo()
    {
        await Silo.Key(Id).Create(new() { Caller = TestSilo.Caller, Spec = "ECC_NIST_P256" });
        await Rotate(Id);
        var row = (await Row<KeyRow>(Id, RowNames.Key))!;
        var whole = await Opened(await BackUp());
        await DestroyVersion(Id, 1);
        await Lose("key");
        using var second = SecretBytes.CopyOf(whole.Material.Of(2));
        using var material = MaterialBundle.Of([new(2, second)]);
        var versions = whole.Content.Key.Versions;
        var key = whole.Content.Key with { Origin = KeyOrigin.External, Versions = [versions[0] with { IsPublicOnly = true }, versions[1]] };
        whole.Material.Dispose();
        var restored = await Restore(Sealed(row, whole.Content with { Key = key }, material));
        Assert.Equal([KeyVersionState.Destroyed, KeyVersionState.Enabled], restored.Versions.Select(v => v.State));
    }

    [Fact]
    public async Task BackupsAtTheSameTime_AreOne()
    {
        await Silo.Create(Id);
        await Rotate(Id);
        await Restart();
        await Encrypt(Id);
        Silo.Gate.HoldAt(0);
        var first = Backups(Id).BackUp(new(TestSilo.Caller));
        await Silo.Gate.Reached;
        var second = Backups(Id).BackUp(new(TestSilo.Caller));
        await Describe(Id);
        Silo.Gate.Release();
        Assert.Equal((await first).Backup, (await second).Backup);
        Assert.NotEqual((await first).Backup, await BackUp());
    }

    [Fact]
    public async Task Backup_IsMadeWhileTheKeyGoesOn_AndHoldsOneStateOfIt()
    {
        await Silo.Create(Id);
        await Rotate(Id);
        var first = await Encrypt(Id);
        await Restart();

        // Held while it reads the material of version 1; meanwhile the key encrypts and rotates.
        await Encrypt(Id);
        Silo.Gate.HoldAt(0);
        var making = Backups(Id).BackUp(new(TestSilo.Caller));
        await Silo.Gate.Reached;
        await Encrypt(Id);
        await Rotate(Id);
        var latest = await Encrypt(Id);
        Silo.Gate.Release();
        var backup = (await making).Backup;
        await Lose();
        Assert.Equal([1, 2, 3, Ceiling], (await Restore(backup)).Versions.Select(v => v.Version));
        foreach (var encrypted in new[] { first, latest }) Assert.Equal(Plaintext, (await Decrypt(Id, encrypted)).Plaintext);
    }

    [Fact]
    public async Task BackupThatWouldBeTooLarge_IsRefused_AndHoldsNoMaterialInTheClear()
    {
        await Silo.Create(Id);
        var row = (await Row<KeyRow>(Id, RowNames.Key))!;
        var whole = await Opened(await BackUp());
        var backup = Sealed(row, whole.Content with { Key = whole.Content.Key with { Description = "written down" } }, whole.Material);
        Assert.True(backup.AsSpan().IndexOf(whole.Material.Of(1)) < 0);
        Assert.True(backup.AsSpan().IndexOf("written down"u8) < 0);

        whole.Material.Dispose();

        // Versions that are destroyed stay listed.
        var slot = new RowSlot<KeyRow>(Silo.Rows, Grain(Id), RowNames.Key);
        await slot.Read();
        var destroyed = Enumerable.Range(2, 40_000).Select(n => new KeyVersionEntry(n, KeyVersionState.Destroyed, Time.GetUtcNow()) { DestroyAt = Time.GetUtcNow() });
        await slot.Write(slot.Row! with { Versions = [.. slot.Row.Versions, .. destroyed] });
        await Restart();
        await Refused("conflict", BackUp);

        // Of any number of versions that live, no row was read: there are none.
        slot = new RowSlot<KeyRow>(Silo.Rows, Grain(Id), RowNames.Key);
        await slot.Read();
        await slot.Write(slot.Row! with { Versions = [.. slot.Row.Versions.Select(v => v with { State = KeyVersionState.Disabled })] });
        await Restart();
        await Refused("conflict", BackUp);
    }

    private int Ceiling => (int)(Time.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds + 4096;

    private IKeyBackupsGrain Backups(string id) => Silo.Grains.GetGrain<IKeyBackupsGrain>(id);

    private async Task<byte[]> BackUp() => (await Backups(Id).BackUp(new(TestSilo.Caller))).Backup;

    private Task<KeyDescription> Restore(byte[] backup) => Backups(Id).Restore(new(TestSilo.Caller, backup));

    private async Task<(bool, string?)> Validate()
    {
        var answer = await Silo.Key(Id).Validate(new(TestSilo.Caller));
        return (answer.Valid, answer.Error);
    }

    private async Task<string> Rewrapped(Encrypted old, int primary)
    {
        var moved = await Silo.Key(Id).Rewrap(new(TestSilo.Caller, old.Ciphertext));
        Assert.Equal(primary, moved.KeyVersion);
        return (await Decrypt(Id, moved)).Plaintext.AsSpan().SequenceEqual(Plaintext) ? "rewrapped" : "another";
    }

    private async Task<KeyHistoryEvent> History() =>
        (await Silo.Grains.GetGrain<IKeyHistoryGrain>(Id).Read(new(TestSilo.Caller, 1))).Events[0];

    private static string Text(KeyDescription key) => JsonSerializer.Serialize(key);

    /// <summary>A row of the key is damaged while no silo runs.</summary>
    private async Task Damage(string name)
    {
        await Silo.DisposeAsync();
        await using (var connection = new SqliteConnection($"Data Source={Path.Combine(Folder.FullName, "kms.db")}"))
        {
            await connection.OpenAsync();
            var command = connection.CreateCommand();
            command.CommandText = $"UPDATE okms_row SET payload = CAST(substr(payload, 1, length(payload) - 1) || X'00' AS BLOB) WHERE grain_key = '={Id}' AND row_name = '{name}'";
            Assert.Equal(1, await command.ExecuteNonQueryAsync());
        }

        await Restart();
    }

    /// <summary>The key's rows disappear while no silo runs: all of them, or some.</summary>
    private async Task Lose(params string[] names)
    {
        await Silo.DisposeAsync();
        await using (var connection = new SqliteConnection($"Data Source={Path.Combine(Folder.FullName, "kms.db")}"))
        {
            await connection.OpenAsync();
            var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM okms_row WHERE grain_key = '=" + Id + "'"
                + (names.Length == 0 ? "" : $" AND row_name IN ({string.Join(',', names.Select(name => $"'{name}'"))})");
            Assert.True(await command.ExecuteNonQueryAsync() > 0);
        }

        await Restart();
    }

    private Task<long> Rows() => KeyDatabase.Count(Silo, $"okms_row WHERE grain_key = '={Id}'");

    private async Task<(KeyBackupContent Content, MaterialBundle Material)> Opened(byte[] backup)
    {
        using var content = await Silo.Services.GetRequiredService<BackupSealer>().TryOpen(Grain(Id), backup);
        return BackupContent.TryRead(content!.Span)!.Value;
    }

    private byte[] Sealed(KeyRow row, KeyBackupContent content, MaterialBundle material)
    {
        using var written = BackupContent.Write(content, material);
        return Silo.Services.GetRequiredService<BackupSealer>().Seal(Grain(Id), row.Incarnation, written.Span);
    }
}
