using Microsoft.Data.Sqlite;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A key through its life: used, rotated, disabled, destroyed, and damaged.</summary>
public sealed class KeyGrainTests : KeyGrainTest
{
    public static TheoryData<string> Specs() => new(KeyAlgorithms.Aeads.Select(a => a.Spec));

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Encrypt_EverySpec_DecryptsAfterRotationAndRestart(string spec)
    {
        var id = "spec." + spec;
        await Silo.Create(id, spec: spec);
        var first = await Encrypt(id);
        await Rotate(id);
        var second = await Encrypt(id);
        Assert.Equal((1, 2), (first.KeyVersion, second.KeyVersion));

        await Restart();
        Assert.Equal(Plaintext, (await Decrypt(id, first)).Plaintext);
        Assert.Equal(Plaintext, (await Decrypt(id, second)).Plaintext);
    }

    [Fact]
    public async Task Disable_ThenEnable_RefusesEverythingInBetween()
    {
        await Silo.Create("off");
        var encrypted = await Encrypt("off");
        await Silo.Key("off").Disable(new(TestSilo.Caller));
        await Refused("key_disabled", () => Encrypt("off"));
        await Refused("key_disabled", () => Decrypt("off", encrypted));
        await Refused("key_disabled", () => Rotate("off"));
        Assert.Equal(new(false, KeyState.Disabled, "key_disabled"), await Silo.Key("off").Validate(new(TestSilo.Caller)));
        await Restart();
        await Refused("key_disabled", () => Decrypt("off", encrypted));
        await Silo.Key("off").Enable(new(TestSilo.Caller));
        Assert.Equal(Plaintext, (await Decrypt("off", encrypted)).Plaintext);
    }

    [Fact]
    public async Task Versions_DisabledDestroyedAndBelowTheLeast_AreNotUsable()
    {
        await Silo.Create("versions");
        var first = await Encrypt("versions");
        await Rotate("versions");
        var second = await Encrypt("versions");
        await Rotate("versions");
        var key = Silo.Key("versions");
        await key.DisableVersion(new(TestSilo.Caller, 2));
        await Refused("version_not_usable", () => Decrypt("versions", second));
        await key.EnableVersion(new(TestSilo.Caller, 2));
        await Decrypt("versions", second);
        await key.Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 2 });
        await Refused("version_not_usable", () => Decrypt("versions", first));
        await key.Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 1 });
        await Decrypt("versions", first);
        await DestroyVersion("versions", 1);
        await Refused("version_not_usable", () => Decrypt("versions", first));
        await Refused("version_not_usable", () => key.EnableVersion(new(TestSilo.Caller, 1)));
        await Refused("not_found", () => key.DisableVersion(new(TestSilo.Caller, 9)));
        Assert.Null((await Row<KeyVersionRow>("versions", RowNames.KeyVersion(1)))!.Material);
        Assert.Empty((await Row<KeyRow>("versions", RowNames.Key))!.ErasePending);
    }

    [Fact]
    public async Task Disable_WhileADecryptionErases_IsNotWrittenOver()
    {
        await Silo.Create("erasing");
        await Rotate("erasing");
        var encrypted = await Encrypt("erasing");
        await DestroyVersion("erasing", 1);
        await Restart();
        var slot = new RowSlot<KeyRow>(Silo.Rows, Grain("erasing"), RowNames.Key);
        await slot.Read();
        await slot.Write(slot.Row! with { ErasePending = [1] });

        // The decryption has read the key's row and is about to read the one that it erases, before it writes the key's row.
        Silo.Gate.HoldAt(2);
        var decrypting = Decrypt("erasing", encrypted);
        await Silo.Gate.Reached;
        await Silo.Key("erasing").Disable(new(TestSilo.Caller));
        Silo.Gate.Release();
        await Refused("key_disabled", () => decrypting);
        Assert.Equal(KeyState.Disabled, (await Describe("erasing")).State);
        Assert.Empty((await Row<KeyRow>("erasing", RowNames.Key))!.ErasePending);
    }

    [Fact]
    public async Task PrimaryThatAnOlderProgramDestroyed_HasNoMaterial_AndARotationGoesOn()
    {
        await Silo.Create("primary");
        await Restart();
        var slot = new RowSlot<KeyRow>(Silo.Rows, Grain("primary"), RowNames.Key);
        await slot.Read();
        await slot.Write(slot.Row! with
        {
            Material = null,
            Versions = [slot.Row!.Versions[0] with { State = KeyVersionState.Destroyed }],
            ErasePending = [1],
        });
        await Refused("version_not_usable", () => Encrypt("primary"));
        Assert.Equal(2, (await Rotate("primary")).PrimaryVersion);
        Assert.Equal(2, (await Encrypt("primary")).KeyVersion);
    }

    [Fact]
    public async Task Deletion_WhenDue_ErasesAllMaterialAndLeavesATombstone()
    {
        await Silo.Create("doomed");
        var encrypted = await Encrypt("doomed");
        await Rotate("doomed");
        var scheduled = await Silo.Key("doomed").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(2)));
        Assert.Equal((KeyState.PendingDeletion, Time.GetUtcNow().AddHours(2)), (scheduled.State, scheduled.DeletionAt));
        await Refused("key_pending_deletion", () => Decrypt("doomed", encrypted));
        Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(KeyState.Destroyed, (await Describe("doomed")).State);
        await Refused("key_destroyed", () => Decrypt("doomed", encrypted));
        await Refused("key_destroyed", () => Silo.Create("doomed"));
        Assert.Null((await Row<KeyRow>("doomed", RowNames.Key))!.Material);
        Assert.Null((await Row<KeyVersionRow>("doomed", RowNames.KeyVersion(1)))!.Material);
        Assert.DoesNotContain("doomed", (await List(includeDestroyed: false)).Ids);
        Assert.Contains("doomed", (await List(includeDestroyed: true)).Ids);
    }

    [Theory]
    [InlineData("UPDATE okms_row SET payload = CAST(substr(payload, 1, length(payload) - 8) || zeroblob(8) AS BLOB) WHERE grain_key = '=spoilt' AND row_name = 'key.v1'")]
    [InlineData("UPDATE okms_row SET payload = (SELECT o.payload FROM okms_row o WHERE o.row_name = 'key.v2' AND o.grain_key = '=spoilt') WHERE grain_key = '=spoilt' AND row_name = 'key.v1'")]
    public async Task Destroy_RowOfAVersionThatDoesNotOpen_IsErasedAndKeepsNoOtherFromIt(string sql)
    {
        await Silo.Create("spoilt");
        for (var version = 2; version <= 4; version++) await Rotate("spoilt");
        var encrypted = await Encrypt("spoilt");
        await Restart();
        Assert.Equal(1, await ChangeRows(sql));

        Assert.Equal(KeyVersionState.Destroyed, (await DestroyVersion("spoilt", 1)).Versions[0].State);
        await Restart();
        Assert.Equal(Plaintext, (await Decrypt("spoilt", encrypted)).Plaintext);
        Assert.Empty((await Row<KeyRow>("spoilt", RowNames.Key))!.ErasePending);

        Assert.Equal(1, await ChangeRows(sql.Replace("key.v1", "key.v3", StringComparison.Ordinal)));
        await Silo.Key("spoilt").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(KeyState.Destroyed, (await Describe("spoilt")).State);
        for (var version = 1; version <= 3; version++) Assert.Null((await Row<KeyVersionRow>("spoilt", RowNames.KeyVersion(version)))!.Material);
        Assert.Empty((await Row<KeyRow>("spoilt", RowNames.Key))!.ErasePending);
    }

    [Fact]
    public async Task Deletion_ByTheReminderAlone_HappensAndCancelledItDoesNot()
    {
        await Silo.Create("reminded");
        await Silo.Create("cancelled");
        await Silo.Key("reminded").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        await Silo.Key("cancelled").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Assert.Equal(KeyState.Disabled, (await Silo.Key("cancelled").CancelDeletion(new(TestSilo.Caller))).State);
        Time.Advance(TimeSpan.FromHours(2));
        foreach (var id in new[] { "reminded", "cancelled" })
        {
            await Silo.Grains.GetGrain<IRemindable>(GrainId.Create("key", id)).ReceiveReminder("deletion", default);
        }

        Assert.Equal(KeyState.Destroyed, (await Row<KeyRow>("reminded", RowNames.Key))!.State);
        Assert.Equal(KeyState.Disabled, (await Row<KeyRow>("cancelled", RowNames.Key))!.State);
    }

    [Fact]
    public async Task KeyThatHasAllTheVersionsThatItMayHave_IsDescribed_AndGoesOnUnderTheNewest()
    {
        await Silo.Create("full", new RotationPlan(TimeSpan.FromDays(1), null));
        await Restart();
        var slot = new RowSlot<KeyRow>(Silo.Rows, GrainId.Create("key", "full"), RowNames.Key);
        await slot.Read();
        var first = slot.Row!.Versions[0];
        await slot.Write(slot.Row with
        {
            Versions = [first, .. Enumerable.Range(2, KmsLimits.Versions - 1).Select(n => first with { Version = n })],
        });
        Time.Advance(TimeSpan.FromDays(2));

        Assert.Equal(1, (await Encrypt("full")).KeyVersion);
        await Refused("conflict", () => Rotate("full"));
        Assert.Equal(KmsLimits.Versions, (await Describe("full")).Versions.Length);
    }

    [Fact]
    public async Task Rotate_FailingAtEachAwait_LosesNothingAcknowledged()
    {
        var failures = 0;
        for (var point = 0; ; point++)
        {
            var id = $"failing.{point}";
            await Silo.Create(id);
            var encrypted = await Encrypt(id);
            Silo.Gate.FailAt(point, Unknown());
            var rotated = await Try(() => Rotate(id));
            Silo.Gate.HoldAt(-1);
            var description = await Describe(id);
            Assert.Equal(Plaintext, (await Decrypt(id, encrypted)).Plaintext);
            Assert.Equal(description.PrimaryVersion, (await Encrypt(id)).KeyVersion);
            if (rotated is not null)
            {
                Assert.Equal(2, description.PrimaryVersion);
                break;
            }

            failures++;
        }

        // Before and after the older version's row, before and after the commit.
        Assert.Equal(4, failures);
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 9)]
    public async Task Create_FailingAtEachAwait_CanBeRepeatedAndTheKeyIsWhole(bool isResumed, int awaits)
    {
        var failures = 0;
        for (var point = 0; ; point++)
        {
            var id = $"unborn.{isResumed}.{point}";
            if (isResumed)
            {
                await LeaveCounters(id);
            }

            Silo.Gate.FailAt(point, Unknown());
            var created = await Try(() => Silo.Create(id));
            Silo.Gate.HoldAt(-1);
            if (created is null)
            {
                failures++;
                await Try(() => Silo.Create(id), "key_exists");
            }

            Assert.Equal(Plaintext, (await Decrypt(id, await Encrypt(id))).Plaintext);
            await Restart();
            Assert.Equal(1, (await Describe(id)).PrimaryVersion);
            if (created is not null)
            {
                break;
            }
        }

        // Before and after both rows at once; and where something was left, before those, and before and after two reads and two writes.
        Assert.Equal(awaits, failures);
    }

    [Fact]
    public async Task Create_AfterACrashBetweenItsRows_GoesOnWithTheCountersThatItLeft()
    {
        var incarnation = await LeaveCounters("half");
        await Silo.Create("half");
        Assert.Equal(incarnation, (await Row<KeyRow>("half", RowNames.Key))!.Incarnation);
        Assert.Equal(incarnation, (await Row<KeyUsageRow>("half", RowNames.KeyUsage))!.Incarnation);
        Assert.Equal(Plaintext, (await Decrypt("half", await Encrypt("half"))).Plaintext);
        await Restart();
        Assert.True((await Describe("half")).Versions[0].Uses > UsagePolicy.FirstBlock);
    }

    /// <summary>What a release that wrote the rows of a new key one after another left of an attempt that did not end.</summary>
    private async Task<Incarnation> LeaveCounters(string id)
    {
        var incarnation = Incarnation.New();
        var slot = new RowSlot<KeyUsageRow>(Silo.Rows, Grain(id), RowNames.KeyUsage);
        await slot.Write(new() { Incarnation = incarnation, Versions = [new(1, UsagePolicy.FirstBlock, 0, 0, 0, null)] });
        return incarnation;
    }

    [Fact]
    public async Task Activation_OfAMissingKeyOrAlias_DoesNotStay()
    {
        await Refused("key_not_found", () => Describe("missing"));
        await Refused("alias_not_found", async () => await Silo.Grains.GetGrain<IAliasGrain>("missing").Resolve(new(TestSilo.Caller)));
        await Refused("key_not_found", () => Describe("created.later"));
        await Silo.Create("created.later");
        var management = Silo.Grains.GetGrain<IManagementGrain>(0);
        string[] missing = ["key/missing", "alias/missing"];
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        DetailedGrainStatistic[] active;
        do
        {
            patience.Token.ThrowIfCancellationRequested();
            active = await management.GetDetailedGrainStatistics();
        }
        while (active.Any(a => missing.Contains(a.GrainId.ToString())));
        Assert.Contains(active, a => a.GrainId.ToString() == "key/created.later");
    }

    [Theory]
    [InlineData("copied over another key's rows", "UPDATE okms_row SET payload = (SELECT o.payload FROM okms_row o WHERE o.row_name = okms_row.row_name AND o.grain_key = '=source') WHERE grain_key = '=victim'")]
    [InlineData("restored under another name", "DELETE FROM okms_row WHERE grain_key = '=victim'; INSERT INTO okms_row (service_id, row_name, grain_key, payload, version, modified_at) SELECT service_id, row_name, '=victim', payload, version, modified_at FROM okms_row WHERE grain_key = '=source'")]
    [InlineData("put under another row's name", "UPDATE okms_row SET payload = (SELECT o.payload FROM okms_row o WHERE o.row_name = 'key' AND o.grain_key = '=victim') WHERE row_name = 'key.usage' AND grain_key = '=victim'")]
    public async Task Rows_ThatWereMoved_CorruptThatKeyAndHarmNoOther(string how, string sql)
    {
        await Silo.Create("source");
        await Silo.Create("victim");
        var (own, source) = (await Encrypt("victim"), await Encrypt("source"));
        await Restart();
        Assert.True(await ChangeRows(sql) > 0, how);

        await Refused("key_corrupted", () => Encrypt("victim"));
        await Refused("key_corrupted", () => Describe("victim"));
        if (how != "put under another row's name")
        {
            await Refused("key_corrupted", () => Decrypt("victim", own));
        }

        Assert.Equal("key_corrupted", (await Silo.Key("victim").Validate(new(TestSilo.Caller))).Error);
        Assert.Equal(Plaintext, (await Decrypt("source", source)).Plaintext);
        await Encrypt("source");
    }

    [Fact]
    public async Task Decrypt_WhileAChangeHangs_IsAnswered()
    {
        await Silo.Create("hangs");
        var encrypted = await Encrypt("hangs");
        await Decrypt("hangs", encrypted);
        Silo.Gate.HoldAt(0);
        var rotation = Rotate("hangs");
        await Silo.Gate.Reached.WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Equal(Plaintext, (await Decrypt("hangs", encrypted)).Plaintext);
        var batch = await Silo.Key("hangs").DecryptBatch(new(TestSilo.Caller, [new DecryptItem(encrypted.Ciphertext)]));
        Assert.Equal(Plaintext, Assert.Single(batch).Value!.Plaintext);

        Assert.False(rotation.IsCompleted);
        Silo.Gate.Release();
        Assert.Equal(2, (await rotation).PrimaryVersion);
    }

    [Fact]
    public async Task Disable_OfUnknownOutcome_IsWrittenAgainBeforeItIsAcknowledged()
    {
        await Silo.Create("unknown");
        Silo.Gate.FailAt(1, Unknown());
        await Refused("storage_unavailable", () => Silo.Key("unknown").Disable(new(TestSilo.Caller)));

        // A read, which finds it done, and the write.
        Silo.Gate.FailAt(2, Unknown());
        await Refused("storage_unavailable", () => Silo.Key("unknown").Disable(new(TestSilo.Caller)));
        Silo.Gate.HoldAt(-1);
        Assert.Equal(KeyState.Disabled, (await Silo.Key("unknown").Disable(new(TestSilo.Caller))).State);
    }

    [Fact]
    public async Task Batch_OfNothing_IsRefused()
    {
        await Silo.Create("nothing");
        await Refused("invalid_parameter", async () => await Silo.Key("nothing").DecryptBatch(new(TestSilo.Caller, [null!])));
        await Refused("invalid_parameter", async () => await Silo.Key("nothing").EncryptBatch(new(TestSilo.Caller, [null!])));
    }

    [Fact]
    public async Task Decrypt_WhatIsNotItsOwn_IsOneError()
    {
        await Silo.Create("mine");
        await Silo.Create("other");
        var foreign = await Encrypt("other");
        var own = await Silo.Key("mine").Encrypt(new(TestSilo.Caller, Plaintext, "context"u8.ToArray()));
        await Refused("invalid_ciphertext", () => Decrypt("mine", foreign));
        await Refused("invalid_ciphertext", () => Decrypt("mine", own));
        await Refused("invalid_ciphertext", () => Decrypt("mine", new Encrypted(1, [])));
        await Refused("invalid_ciphertext", () => Decrypt("mine", new Encrypted(1, null!)));
        await Rotate("other");
        var newer = await Encrypt("other");
        Assert.Equal(2, newer.KeyVersion);
        Assert.Equal(1, (await Describe("mine")).PrimaryVersion);
    }

    [Fact]
    public async Task DataKey_KeepsItsKindThroughRewrapAndReencryption()
    {
        await Silo.Create("kinds");
        await Silo.Create("target");
        var dataKey = await Silo.Key("kinds").GenerateDataKey(new(TestSilo.Caller, 32, WithPlaintext: true));
        await Rotate("kinds");
        var rewrapped = await Silo.Key("kinds").Rewrap(new(TestSilo.Caller, dataKey.Ciphertext));
        Assert.Equal(2, rewrapped.KeyVersion);
        var moved = await Silo.Grains.GetGrain<IReencryptionGrain>(0)
            .Reencrypt(new(TestSilo.Caller, rewrapped.Ciphertext, null, "target", "new context"u8.ToArray()));
        var opened = await Silo.Key("target").Decrypt(new(TestSilo.Caller, moved.Ciphertext, "new context"u8.ToArray()));
        Assert.Equal(CiphertextKind.DataKey, opened.Kind);
        Assert.Equal(dataKey.Plaintext, opened.Plaintext);
    }

    [Fact]
    public async Task Alias_PointsMovesAndGoes()
    {
        await Silo.Create("a1");
        await Silo.Create("a2");
        var alias = Silo.Grains.GetGrain<IAliasGrain>("billing");
        await Refused("alias_not_found", async () => await alias.Resolve(new(TestSilo.Caller)));
        await Refused("key_not_found", () => alias.Point(new(TestSilo.Caller, "missing")));
        await alias.Point(new(TestSilo.Caller, "a1"));
        await alias.Point(new(TestSilo.Caller, "a2"));
        await Restart();
        alias = Silo.Grains.GetGrain<IAliasGrain>("billing");
        Assert.Equal("a2", (await alias.Resolve(new(TestSilo.Caller))).KeyId);
        await alias.Remove(new(TestSilo.Caller));
        await Refused("alias_not_found", async () => await alias.Resolve(new(TestSilo.Caller)));
        await alias.Point(new(TestSilo.Caller, "a1"));
        Assert.Equal("a1", (await alias.Resolve(new(TestSilo.Caller))).KeyId);
    }

    private async Task<int> ChangeRows(string sql)
    {
        await using var database = new SqliteConnection($"Data Source={Path.Combine(Folder.FullName, "kms.db")};Foreign Keys=True");
        await database.OpenAsync();
        await using var command = database.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteNonQueryAsync();
    }

    private Task<DirectoryPage> List(bool includeDestroyed) =>
        Silo.Grains.GetGrain<IDirectoryGrain>(0).ListKeys(new(TestSilo.Caller, "", null, 1000, includeDestroyed));

    private static async Task<KeyDescription?> Try(Func<Task<KeyDescription>> operation, string code = "storage_unavailable")
    {
        try
        {
            return await operation();
        }
        catch (KmsException e)
        {
            Assert.Equal(code, e.Code);
            return null;
        }
    }
}
