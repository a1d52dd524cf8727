using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>The key grain on real storage (SQLite), with a clock that the tests move.</summary>
public sealed class KeyGrainTests : IAsyncLifetime
{
    private static readonly byte[] _plaintext = "the key grain"u8.ToArray();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-key-");
    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private TestSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await Start();

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private Task<TestSilo> Start() => TestSilo.Start(
        new() { DataDirectory = _folder.FullName }, time: _time, keys: new() { MinDeletionDelay = TimeSpan.FromHours(1) });

    private async Task Restart()
    {
        await _silo.DisposeAsync();
        _silo = await Start();
    }

    public static TheoryData<string> Specs() => new(KeyAlgorithms.All.Select(a => a.Spec));

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Encrypt_EverySpec_DecryptsAfterRotationAndRestart(string spec)
    {
        var id = "spec." + spec;
        await _silo.Create(id, spec: spec);
        var first = await Encrypt(id);
        await Rotate(id);
        var second = await Encrypt(id);
        Assert.Equal((1, 2), (first.KeyVersion, second.KeyVersion));

        await Restart();
        Assert.Equal(_plaintext, (await Decrypt(id, first)).Plaintext);
        Assert.Equal(_plaintext, (await Decrypt(id, second)).Plaintext);
    }

    [Fact]
    public async Task Uses_AfterAGracefulStop_AreExact()
    {
        await _silo.Create("exact");
        for (var i = 0; i < 7; i++)
        {
            await Decrypt("exact", await Encrypt("exact"));
        }

        await Restart();
        var uses = (await Describe("exact")).Uses;
        Assert.Equal((7, 7, 14L * _plaintext.Length), (uses.Encrypt, uses.Decrypt, uses.Bytes));
        Assert.Equal(_time.GetUtcNow(), uses.LastUsedAt);
    }

    [Fact]
    public async Task Bytes_OfAKeyThatOnlyEncrypts_AreWrittenWhileItLives()
    {
        await _silo.Create("only.encrypts");
        await Encrypt("only.encrypts");

        // After the next write, which nobody asks for.
        _silo.Gate.HoldAt(1);
        await _silo.Gate.Reached.WaitAsync(TimeSpan.FromMinutes(2));
        var stored = (await Row<KeyUsageRow>("only.encrypts", RowNames.KeyUsage))!.Versions.Single();
        _silo.Gate.Release();
        Assert.Equal((_plaintext.Length, _time.GetUtcNow()), (stored.Bytes, stored.LastUsedAt));
    }

    [Fact]
    public async Task Rotation_ByTime_HappensOnUseAndOnDescribe()
    {
        await _silo.Create("by.time", new(TimeSpan.FromDays(30), null));
        Assert.Equal(1, (await Encrypt("by.time")).KeyVersion);
        _time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(2, (await Encrypt("by.time")).KeyVersion);
        Assert.Equal(_time.GetUtcNow().AddDays(30), (await Describe("by.time")).NextRotationAt);
        _time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(3, (await Describe("by.time")).PrimaryVersion);
    }

    [Fact]
    public async Task Rotation_ByUse_GivesEachVersionExactlyItsUses()
    {
        await _silo.Create("by.use", new(null, 20));
        var versions = new List<int>();
        for (var i = 0; i < 45; i++)
        {
            versions.Add((await Encrypt("by.use")).KeyVersion);
        }

        Assert.Equal([20, 20, 5], versions.GroupBy(v => v).OrderBy(g => g.Key).Select(g => g.Count()));
    }

    [Fact]
    public async Task Rotation_ByUse_IsNotPutOffByWhatWasReservedInTheBackground()
    {
        await _silo.Create("by.use.slowly", new(null, 3));
        var versions = new List<int>();
        for (var i = 0; i < 10; i++)
        {
            versions.Add((await Encrypt("by.use.slowly")).KeyVersion);

            // Changes nothing, and comes back when nothing is being written any more.
            await _silo.Key("by.use.slowly").Enable(new(TestSilo.Caller));
        }

        Assert.Equal([1, 1, 1, 2, 2, 2, 3, 3, 3, 4], versions);
    }

    [Fact]
    public async Task Rotation_ByUse_CountsDataKeysRewrapsAndItemsOfABatch()
    {
        await _silo.Create("by.all", new(null, 10));
        var key = _silo.Key("by.all");
        var first = await Encrypt("by.all");
        await key.GenerateDataKey(new(TestSilo.Caller, 32, true));
        await key.Rewrap(new(TestSilo.Caller, first.Ciphertext));
        var batch = await key.EncryptBatch(new(TestSilo.Caller, [.. Enumerable.Repeat(new EncryptItem(_plaintext), 9)]));
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 2, 2], batch.Select(r => r.Value!.KeyVersion));
        var description = await Describe("by.all");
        Assert.Equal([10, 2], description.Versions.Select(v => v.Uses));
    }

    [Fact]
    public async Task Update_ALowerPlanThanIsReserved_TakesEffectAtOnce()
    {
        await _silo.Create("lower");
        for (var i = 0; i < 5; i++)
        {
            await Encrypt("lower");
        }

        await _silo.Key("lower").Update(new() { Caller = TestSilo.Caller, Rotation = new(true, new(null, 6)) });
        Assert.Equal(1, (await Encrypt("lower")).KeyVersion);
        Assert.Equal(2, (await Encrypt("lower")).KeyVersion);
    }

    [Fact]
    public async Task Gcm_AtItsLimits_RotatesAndRefuses()
    {
        // The limit itself cannot be reached by encrypting, so the stored ceiling is moved there.
        await _silo.Create("limit");
        await MoveCeiling("limit", (1L << 31) - 1);
        Assert.Equal(1, (await Encrypt("limit")).KeyVersion);
        Assert.Equal(2, (await Encrypt("limit")).KeyVersion);

        await _silo.Create("refuse");
        await MoveCeiling("refuse", 1L << 32);
        await MakeExternal("refuse");
        await Refused("key_exhausted", () => Encrypt("refuse"));
    }

    [Fact]
    public async Task Disable_ThenEnable_RefusesEverythingInBetween()
    {
        await _silo.Create("off");
        var encrypted = await Encrypt("off");
        await _silo.Key("off").Disable(new(TestSilo.Caller));
        await Refused("key_disabled", () => Encrypt("off"));
        await Refused("key_disabled", () => Decrypt("off", encrypted));
        await Refused("key_disabled", () => Rotate("off"));
        Assert.Equal(new(false, KeyState.Disabled, "key_disabled"), await _silo.Key("off").Validate(new(TestSilo.Caller)));
        await Restart();
        await Refused("key_disabled", () => Decrypt("off", encrypted));
        await _silo.Key("off").Enable(new(TestSilo.Caller));
        Assert.Equal(_plaintext, (await Decrypt("off", encrypted)).Plaintext);
    }

    [Fact]
    public async Task Versions_DisabledDestroyedAndBelowTheLeast_AreNotUsable()
    {
        await _silo.Create("versions");
        var first = await Encrypt("versions");
        await Rotate("versions");
        var second = await Encrypt("versions");
        await Rotate("versions");
        var key = _silo.Key("versions");
        await key.DisableVersion(new(TestSilo.Caller, 2));
        await Refused("version_not_usable", () => Decrypt("versions", second));
        await key.EnableVersion(new(TestSilo.Caller, 2));
        await Decrypt("versions", second);
        await key.Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 2 });
        await Refused("version_not_usable", () => Decrypt("versions", first));
        await key.Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 1 });
        await Decrypt("versions", first);
        await key.DestroyVersion(new(TestSilo.Caller, 1));
        await Refused("version_not_usable", () => Decrypt("versions", first));
        await Refused("version_not_usable", () => key.EnableVersion(new(TestSilo.Caller, 1)));
        await Refused("not_found", () => key.DisableVersion(new(TestSilo.Caller, 9)));
        Assert.Null((await Row<KeyVersionRow>("versions", RowNames.KeyVersion(1)))!.Material);
        Assert.Empty((await Row<KeyRow>("versions", RowNames.Key))!.ErasePending);
    }

    [Fact]
    public async Task Disable_WhileADecryptionErases_IsNotWrittenOver()
    {
        await _silo.Create("erasing");
        await Rotate("erasing");
        var encrypted = await Encrypt("erasing");
        await _silo.Key("erasing").DestroyVersion(new(TestSilo.Caller, 1));
        await Restart();
        var slot = new RowSlot<KeyRow>(_silo.Rows, Grain("erasing"), RowNames.Key);
        await slot.Read();
        await slot.Write(slot.Row! with { ErasePending = [1] });

        // The decryption has read the key's row and is about to read the one that it erases, before it writes the key's row.
        _silo.Gate.HoldAt(2);
        var decrypting = Decrypt("erasing", encrypted);
        await _silo.Gate.Reached;
        await _silo.Key("erasing").Disable(new(TestSilo.Caller));
        _silo.Gate.Release();
        await Refused("key_disabled", () => decrypting);
        Assert.Equal(KeyState.Disabled, (await Describe("erasing")).State);
        Assert.Empty((await Row<KeyRow>("erasing", RowNames.Key))!.ErasePending);
    }

    [Fact]
    public async Task DestroyVersion_OfThePrimary_LeavesNoMaterialAndARotationGoesOn()
    {
        await _silo.Create("primary");
        await _silo.Key("primary").DestroyVersion(new(TestSilo.Caller, 1));
        Assert.Null((await Row<KeyRow>("primary", RowNames.Key))!.Material);
        await Refused("version_not_usable", () => Encrypt("primary"));
        Assert.Equal(2, (await Rotate("primary")).PrimaryVersion);
        Assert.Equal(2, (await Encrypt("primary")).KeyVersion);
    }

    [Fact]
    public async Task Deletion_WhenDue_ErasesAllMaterialAndLeavesATombstone()
    {
        await _silo.Create("doomed");
        var encrypted = await Encrypt("doomed");
        await Rotate("doomed");
        var scheduled = await _silo.Key("doomed").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(2)));
        Assert.Equal((KeyState.PendingDeletion, _time.GetUtcNow().AddHours(2)), (scheduled.State, scheduled.DeletionAt));
        await Refused("key_pending_deletion", () => Decrypt("doomed", encrypted));
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(KeyState.Destroyed, (await Describe("doomed")).State);
        await Refused("key_destroyed", () => Decrypt("doomed", encrypted));
        await Refused("key_destroyed", () => _silo.Create("doomed"));
        Assert.Null((await Row<KeyRow>("doomed", RowNames.Key))!.Material);
        Assert.Null((await Row<KeyVersionRow>("doomed", RowNames.KeyVersion(1)))!.Material);
        Assert.DoesNotContain("doomed", (await List(includeDestroyed: false)).Ids);
        Assert.Contains("doomed", (await List(includeDestroyed: true)).Ids);
    }

    [Fact]
    public async Task Deletion_ByTheReminderAlone_HappensAndCancelledItDoesNot()
    {
        await _silo.Create("reminded");
        await _silo.Create("cancelled");
        await _silo.Key("reminded").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        await _silo.Key("cancelled").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Assert.Equal(KeyState.Disabled, (await _silo.Key("cancelled").CancelDeletion(new(TestSilo.Caller))).State);
        _time.Advance(TimeSpan.FromHours(2));
        foreach (var id in new[] { "reminded", "cancelled" })
        {
            await _silo.Grains.GetGrain<IRemindable>(GrainId.Create("key", id)).ReceiveReminder("deletion", default);
        }

        Assert.Equal(KeyState.Destroyed, (await Row<KeyRow>("reminded", RowNames.Key))!.State);
        Assert.Equal(KeyState.Disabled, (await Row<KeyRow>("cancelled", RowNames.Key))!.State);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public async Task Encrypt_FailingAtEachAwait_NoVersionGoesBeyondItsPlan(int afterUses)
    {
        for (var point = 0; point < 10; point++)
        {
            var id = $"planned.{afterUses}.{point}";
            var uses = new Dictionary<int, int>();
            await _silo.Create(id, new RotationPlan(null, afterUses));
            for (var i = 0; i < 4 * afterUses + 2; i++)
            {
                // At the first version's end, and at what follows.
                _silo.Gate.FailAt(i == afterUses - 1 || i >= afterUses ? point : -1, Unknown());
                var encrypted = await TryEncrypt(id);
                _silo.Gate.HoldAt(-1);
                _time.Advance(TimeSpan.FromSeconds(2));
                encrypted ??= await Encrypt(id);
                uses[encrypted.KeyVersion] = uses.GetValueOrDefault(encrypted.KeyVersion) + 1;
            }

            Assert.All(uses, version => Assert.InRange(version.Value, 1, afterUses));
            var described = await Describe(id);
            Assert.All(uses, version => Assert.InRange(described.Versions.Single(v => v.Version == version.Key).Uses, version.Value, afterUses));
        }

        async Task<Encrypted?> TryEncrypt(string id)
        {
            try
            {
                return await Encrypt(id);
            }
            catch (KmsException e) when (e.Error == KmsError.StorageUnavailable)
            {
                return null;
            }
        }
    }

    [Fact]
    public async Task Describe_KeyThatHasAllTheVersionsThatItMayHave_IsAnswered()
    {
        await _silo.Create("full", new RotationPlan(TimeSpan.FromDays(1), null));
        await _silo.DisposeAsync();
        _silo = await Start();
        var slot = new RowSlot<KeyRow>(_silo.Rows, GrainId.Create("key", "full"), RowNames.Key);
        await slot.Read();
        var first = slot.Row!.Versions[0];
        await slot.Write(slot.Row with
        {
            Versions = [first, .. Enumerable.Range(2, KeyLimits.Versions - 1).Select(n => first with { Version = n })],
        });
        _time.Advance(TimeSpan.FromDays(2));

        await Refused("conflict", () => Encrypt("full"));
        Assert.Equal(KeyLimits.Versions, (await Describe("full")).Versions.Length);
    }

    [Fact]
    public async Task Rotate_FailingAtEachAwait_LosesNothingAcknowledged()
    {
        var failures = 0;
        for (var point = 0; ; point++)
        {
            var id = $"failing.{point}";
            await _silo.Create(id);
            var encrypted = await Encrypt(id);
            _silo.Gate.FailAt(point, Unknown());
            var rotated = await Try(() => Rotate(id));
            _silo.Gate.HoldAt(-1);
            var description = await Describe(id);
            Assert.Equal(_plaintext, (await Decrypt(id, encrypted)).Plaintext);
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

    [Fact]
    public async Task Create_FailingAtEachAwait_CanBeRepeatedAndTheKeyIsWhole()
    {
        var failures = 0;
        for (var point = 0; ; point++)
        {
            var id = $"unborn.{point}";
            _silo.Gate.FailAt(point, Unknown());
            var created = await Try(() => _silo.Create(id));
            _silo.Gate.HoldAt(-1);
            if (created is null)
            {
                failures++;
                await Try(() => _silo.Create(id), "key_exists");
            }

            Assert.Equal(_plaintext, (await Decrypt(id, await Encrypt(id))).Plaintext);
            await Restart();
            Assert.Equal(1, (await Describe(id)).PrimaryVersion);
            if (created is not null)
            {
                break;
            }
        }

        Assert.True(failures >= 6, $"only {failures} awaits failed");
    }

    [Fact]
    public async Task Lease_WhenStorageIsGone_DecryptsOnEncryptsToItsEndAndThenRefuses()
    {
        await _silo.Create("lease", new(null, 1000));
        var encrypted = await Encrypt("lease");
        var down = new Outage(_silo.Gate);
        var made = 1;
        string? refusal = null;
        while (refusal is null)
        {
            down.Begin();
            try
            {
                await Encrypt("lease");
                made++;
            }
            catch (KmsException e)
            {
                refusal = e.Code;
            }
        }

        Assert.Equal("storage_unavailable", refusal);
        Assert.InRange(made, 2, 124);
        Assert.Equal(_plaintext, (await Decrypt("lease", encrypted)).Plaintext);
        down.End();
        _time.Advance(TimeSpan.FromSeconds(2));
        await Encrypt("lease");
        Assert.True((await Describe("lease")).Uses.Encrypt >= made + 1);
    }

    [Fact]
    public async Task Activation_OfAMissingKeyOrAlias_DoesNotStay()
    {
        await Refused("key_not_found", () => Describe("missing"));
        await Refused("alias_not_found", async () => await _silo.Grains.GetGrain<IAliasGrain>("missing").Resolve(new(TestSilo.Caller)));
        await Refused("key_not_found", () => Describe("created.later"));
        await _silo.Create("created.later");
        var management = _silo.Grains.GetGrain<IManagementGrain>(0);
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

    [Fact]
    public async Task UsageRow_Missing_IsCorruptionAndNeverZero()
    {
        await _silo.Create("robbed");
        await Restart();
        var slot = new RowSlot<KeyUsageRow>(_silo.Rows, Grain("robbed"), RowNames.KeyUsage);
        await slot.Read();
        await slot.Clear();
        await Refused("key_corrupted", () => Encrypt("robbed"));
        await Refused("key_corrupted", () => Describe("robbed"));
    }

    [Theory]
    [InlineData("copied over another key's rows", "UPDATE okms_row SET payload = (SELECT o.payload FROM okms_row o WHERE o.row_name = okms_row.row_name AND o.grain_key = '=source') WHERE grain_key = '=victim'")]
    [InlineData("restored under another name", "DELETE FROM okms_row WHERE grain_key = '=victim'; INSERT INTO okms_row (service_id, row_name, grain_key, payload, version, modified_at) SELECT service_id, row_name, '=victim', payload, version, modified_at FROM okms_row WHERE grain_key = '=source'")]
    [InlineData("put under another row's name", "UPDATE okms_row SET payload = (SELECT o.payload FROM okms_row o WHERE o.row_name = 'key' AND o.grain_key = '=victim') WHERE row_name = 'key.usage' AND grain_key = '=victim'")]
    public async Task Rows_ThatWereMoved_CorruptThatKeyAndHarmNoOther(string how, string sql)
    {
        await _silo.Create("source");
        await _silo.Create("victim");
        var (own, source) = (await Encrypt("victim"), await Encrypt("source"));
        await Restart();
        await using (var database = new SqliteConnection($"Data Source={Path.Combine(_folder.FullName, "kms.db")};Foreign Keys=True"))
        {
            await database.OpenAsync();
            var command = database.CreateCommand();
            command.CommandText = sql;
            Assert.True(await command.ExecuteNonQueryAsync() > 0, how);
        }

        await Refused("key_corrupted", () => Encrypt("victim"));
        await Refused("key_corrupted", () => Describe("victim"));
        if (how != "put under another row's name")
        {
            await Refused("key_corrupted", () => Decrypt("victim", own));
        }

        Assert.Equal("key_corrupted", (await _silo.Key("victim").Validate(new(TestSilo.Caller))).Error);
        Assert.Equal(_plaintext, (await Decrypt("source", source)).Plaintext);
        await Encrypt("source");
    }

    [Fact]
    public async Task Decrypt_WhatIsNotItsOwn_IsOneError()
    {
        await _silo.Create("mine");
        await _silo.Create("other");
        var foreign = await Encrypt("other");
        var own = await _silo.Key("mine").Encrypt(new(TestSilo.Caller, _plaintext, "context"u8.ToArray()));
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
        await _silo.Create("kinds");
        await _silo.Create("target");
        var dataKey = await _silo.Key("kinds").GenerateDataKey(new(TestSilo.Caller, 32, WithPlaintext: true));
        await Rotate("kinds");
        var rewrapped = await _silo.Key("kinds").Rewrap(new(TestSilo.Caller, dataKey.Ciphertext));
        Assert.Equal(2, rewrapped.KeyVersion);
        var moved = await _silo.Grains.GetGrain<IReencryptionGrain>(0)
            .Reencrypt(new(TestSilo.Caller, rewrapped.Ciphertext, null, "target", "new context"u8.ToArray()));
        var opened = await _silo.Key("target").Decrypt(new(TestSilo.Caller, moved.Ciphertext, "new context"u8.ToArray()));
        Assert.Equal(CiphertextKind.DataKey, opened.Kind);
        Assert.Equal(dataKey.Plaintext, opened.Plaintext);
    }

    [Fact]
    public async Task Alias_PointsMovesAndGoes()
    {
        await _silo.Create("a1");
        await _silo.Create("a2");
        var alias = _silo.Grains.GetGrain<IAliasGrain>("billing");
        await Refused("alias_not_found", async () => await alias.Resolve(new(TestSilo.Caller)));
        await Refused("key_not_found", () => alias.Point(new(TestSilo.Caller, "missing")));
        await alias.Point(new(TestSilo.Caller, "a1"));
        await alias.Point(new(TestSilo.Caller, "a2"));
        await Restart();
        alias = _silo.Grains.GetGrain<IAliasGrain>("billing");
        Assert.Equal("a2", (await alias.Resolve(new(TestSilo.Caller))).KeyId);
        await alias.Remove(new(TestSilo.Caller));
        await Refused("alias_not_found", async () => await alias.Resolve(new(TestSilo.Caller)));
        await alias.Point(new(TestSilo.Caller, "a1"));
        Assert.Equal("a1", (await alias.Resolve(new(TestSilo.Caller))).KeyId);
    }

    private async Task MoveCeiling(string id, long ceiling)
    {
        await Restart();
        var slot = new RowSlot<KeyUsageRow>(_silo.Rows, Grain(id), RowNames.KeyUsage);
        await slot.Read();
        await slot.Write(slot.Row! with { Versions = [new(1, ceiling, 0, 0, 0, null)] });
    }

    private async Task MakeExternal(string id)
    {
        var slot = new RowSlot<KeyRow>(_silo.Rows, Grain(id), RowNames.Key);
        await slot.Read();
        await slot.Write(slot.Row! with { Origin = KeyOrigin.External });
    }

    private async Task<T?> Row<T>(string id, string name)
        where T : OrleansKms.Grains.Sealing.Row
    {
        var slot = new RowSlot<T>(_silo.Rows, Grain(id), name);
        await slot.Read();
        return slot.Row;
    }

    private Task<DirectoryPage> List(bool includeDestroyed) =>
        _silo.Grains.GetGrain<IDirectoryGrain>(0).ListKeys(new(TestSilo.Caller, "", null, 1000, includeDestroyed));

    private async Task<Encrypted> Encrypt(string id) => await _silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));

    private async Task<Decrypted> Decrypt(string id, Encrypted encrypted) =>
        await _silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));

    private Task<KeyDescription> Rotate(string id) => _silo.Key(id).Rotate(new(TestSilo.Caller));

    private Task<KeyDescription> Describe(string id) => _silo.Key(id).Describe(new(TestSilo.Caller));

    private static GrainId Grain(string id) => GrainId.Create("key", id);

    private static StorageFailedException Unknown() => new("the connection broke", outcomeUnknown: true, new IOException("broken"));

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

    private static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);

    /// <summary>Makes the next storage call fail, again and again.</summary>
    private sealed class Outage(Gate gate)
    {
        public void Begin() => gate.FailAt(0, Unknown());

        public void End() => gate.HoldAt(-1);
    }
}
