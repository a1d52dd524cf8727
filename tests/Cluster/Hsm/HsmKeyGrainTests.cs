using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>The key grain with keys of protection hsm, on a real token and a real database.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmKeyGrainTests(SharedToken shared) : HsmGrainTest(shared), IClassFixture<SharedToken>
{
    private static readonly byte[] _plaintext = "a key that nobody has"u8.ToArray();

    [Fact]
    public async Task AllOperations_AnswerAndCountAsThoseOfASoftwareKey()
    {
        var inHsm = await UseInEveryWay("in.hsm", KeyProtection.Hsm);
        await Silo.DisposeAsync();
        Time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await Start();
        var inSoftware = await UseInEveryWay("in.soft", KeyProtection.Software);

        Assert.Equal(KeyProtection.Hsm, inHsm.Protection);
        Assert.Equal(
            JsonSerializer.Serialize(inSoftware),
            JsonSerializer.Serialize(inHsm with { Id = inSoftware.Id, Protection = KeyProtection.Software }));
        await Restart();
        Assert.Equal(JsonSerializer.Serialize(inHsm), JsonSerializer.Serialize(await Describe("in.hsm")));
    }

    [Fact]
    public async Task Ciphertext_IsThatOfTheFormat_AndNoChangedBitOpens()
    {
        await Create("format");
        var largest = new byte[64 * 1024];
        Random.Shared.NextBytes(largest);
        var encrypted = await Silo.Key("format").Encrypt(new(TestSilo.Caller, largest, "context"u8.ToArray()));

        byte[] header = [1, 1, 0, 0, 0, 1, 6, .. Encoding.ASCII.GetBytes("format")];
        Assert.Equal(header, encrypted.Ciphertext[..header.Length]);
        Assert.Equal(header.Length + 12 + largest.Length + 16, encrypted.Ciphertext.Length);
        var opened = await Silo.Key("format").Decrypt(new(TestSilo.Caller, encrypted.Ciphertext, "context"u8.ToArray()));
        Assert.Equal(largest, opened.Plaintext);

        var small = await Encrypt("format");
        for (var i = 0; i < small.Ciphertext.Length; i++)
        {
            byte[] changed = [.. small.Ciphertext];
            changed[i] ^= 1;
            await Refused("invalid_ciphertext", () => Decrypt("format", new(1, changed)));
        }

        await Refused("invalid_ciphertext", async () =>
            await Silo.Key("format").Decrypt(new(TestSilo.Caller, encrypted.Ciphertext, "contexu"u8.ToArray())));
        Assert.True(Hsm.IsHealthy);
    }

    [Fact]
    public async Task Restart_VersionsOpenAgain_AndOnlyAUseCallsTheHsm()
    {
        await Silo.Create("cold.soft");
        await Create("cold.hsm");
        var (soft, first) = (await Encrypt("cold.soft"), await Encrypt("cold.hsm"));
        await Silo.Key("cold.hsm").Rotate(new(TestSilo.Caller));
        var second = await Encrypt("cold.hsm");
        await Restart();

        var before = Hsm.Calls;
        Assert.Equal(_plaintext, (await Decrypt("cold.soft", soft)).Plaintext);
        await Encrypt("cold.soft");
        await Silo.Key("cold.soft").Rotate(new(TestSilo.Caller));
        await Silo.Create("new.soft");
        await Silo.Key("new.soft").Disable(new(TestSilo.Caller));
        Assert.True((await Silo.Key("cold.hsm").Validate(new(TestSilo.Caller))).Valid);
        Assert.All(await Silo.Grains.GetGrain<IKeyRowsGrain>("cold.hsm").Check(new(TestSilo.Caller)), row => Assert.Null(row.Error));
        await Describe("cold.hsm");
        Assert.Equal(before, Hsm.Calls);

        Assert.Equal(_plaintext, (await Decrypt("cold.hsm", first)).Plaintext);
        Assert.Equal(_plaintext, (await Decrypt("cold.hsm", second)).Plaintext);
        Assert.Equal(before + 2, Hsm.Calls);
    }

    [Fact]
    public async Task RotateAndDestroy_TheTokenFollows()
    {
        await Create("lives");
        var first = await Encrypt("lives");
        await Silo.Key("lives").Rotate(new(TestSilo.Caller));
        var second = await Encrypt("lives");
        Assert.Equal(["lives v1", "lives v2"], await OnToken("lives"));

        await Silo.Key("lives").Disable(new(TestSilo.Caller));
        await Refused("key_disabled", () => Decrypt("lives", second));
        Assert.Equal(2, (await OnToken("lives")).Count);
        await Silo.Key("lives").Enable(new(TestSilo.Caller));

        await DestroyVersion("lives", 1);
        Assert.Equal(["lives v2"], await OnToken("lives"));
        await Refused("version_not_usable", () => Decrypt("lives", first));
        Assert.Equal(_plaintext, (await Decrypt("lives", second)).Plaintext);

        await Silo.Key("lives").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Assert.Equal(["lives v2"], await OnToken("lives"));
        Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(KeyState.Destroyed, (await Describe("lives")).State);
        Assert.Empty(await OnToken("lives"));
        Assert.Empty((await Row("lives"))!.ErasePending);
    }

    [Fact]
    public async Task Destroy_WhileTheHsmIsAway_IsCommitted_AndErasedLater()
    {
        await Create("pending");
        var first = await Encrypt("pending");
        await Silo.Key("pending").Rotate(new(TestSilo.Caller));

        Gate.IsAway = true;
        var destroyed = await DestroyVersion("pending", 1);
        Assert.Equal(KeyVersionState.Destroyed, destroyed.Versions[0].State);
        await Refused("version_not_usable", () => Decrypt("pending", first));
        await Refused("hsm_unavailable", () => Encrypt("pending"));
        await Refused("hsm_unavailable", () => Silo.Key("pending").Rotate(new(TestSilo.Caller)));
        Assert.Equal("hsm_unavailable", (await Silo.Key("pending").Validate(new(TestSilo.Caller))).Error);
        Assert.Equal([1], (await Row("pending"))!.ErasePending);
        Assert.Equal(1, await KeyDatabase.Count(Silo, "okms_reminder"));

        // An activation that still cannot does no harm either.
        await Restart();
        await Describe("pending");
        Assert.Equal(["pending v1", "pending v2"], await OnToken("pending"));

        Gate.IsAway = false;
        await ((IRemindable)Silo.Grains.GetGrain(GrainId.Create("key", "pending")).AsReference<IRemindable>())
            .ReceiveReminder("deletion", new(DateTime.UtcNow, TimeSpan.FromMinutes(10), DateTime.UtcNow));
        Assert.Equal(["pending v2"], await OnToken("pending"));
        Assert.Empty((await Row("pending"))!.ErasePending);
        Assert.Equal(0, await KeyDatabase.Count(Silo, "okms_reminder"));
        await Encrypt("pending");
    }

    [Fact]
    public async Task Destroy_ThatTheTokenFails_StaysPending_ThoughTheObjectIsNotFoundAnyMore()
    {
        await Create("undying");
        await Silo.Key("undying").Rotate(new(TestSilo.Caller));
        using (SharedToken.Switch("destroys-nothing"))
        {
            await DestroyVersion("undying", 1);
        }

        Assert.Equal(["undying v2"], await OnToken("undying"));
        await Restart();
        await Describe("undying");
        Assert.Equal([1], (await Row("undying"))!.ErasePending);

        await Hsm.ListAnew(default);
        Assert.Equal(["undying v1", "undying v2"], await OnToken("undying"));
        await Restart();
        await Describe("undying");
        Assert.Equal(["undying v2"], await OnToken("undying"));
        Assert.Empty((await Row("undying"))!.ErasePending);
    }

    [Fact]
    public async Task RotationByTime_ThatTheTokenCannotMake_StopsNoKey()
    {
        await Create("overdue", new(TimeSpan.FromDays(30), null));
        await Encrypt("overdue");
        Time.Advance(TimeSpan.FromDays(30));
        using (SharedToken.Switch("is-full"))
        {
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal(1, (await Encrypt("overdue")).KeyVersion);
            }
        }

        // It comes about without anybody's use: first the object on the token, then the row that makes it the primary version.
        await Until(async () => (await OnToken("overdue")).Count == 2);
        await Until(async () => (await Encrypt("overdue")).KeyVersion == 2);
        Assert.Equal(2, (await OnToken("overdue")).Count);
    }

    [Theory]
    [InlineData("disable", "key_disabled")]
    [InlineData("schedule-deletion", "key_pending_deletion")]
    [InlineData("disable-version", "version_not_usable")]
    [InlineData("rotate", null)]
    [InlineData("update", null)]
    public async Task ChangeWhileTheHsmIsAtWork_IsMadeAtOnce_AndDecidesWhatTheAnswerIs(string change, string? error)
    {
        await Create("changing");
        var ciphertext = await Encrypt("changing");
        Gate.Hold();
        var encryption = Encrypt("changing");
        var decryption = Decrypt("changing", ciphertext);
        var batch = Silo.Key("changing").EncryptBatch(new(TestSilo.Caller, [new(_plaintext)])).AsTask();
        await Gate.Held(3).WaitAsync(Patience);

        var changing = Change("changing", change);
        if (change is "rotate")
        {
            // Making a version is a call of the HSM, too.
            await Gate.Held(4).WaitAsync(Patience);
            Gate.Release();
        }

        await changing.WaitAsync(Patience);
        Gate.Release();

        if (error is null)
        {
            Assert.Equal(1, (await encryption).KeyVersion);
            Assert.Equal(_plaintext, (await decryption).Plaintext);
            Assert.Null(Assert.Single(await batch).Error);
        }
        else
        {
            await Refused(error, () => encryption);
            await Refused(error, () => decryption);
            Assert.Equal(error, Assert.Single(await batch).Error?.Code);
        }
    }

    [Fact]
    public async Task DestructionWhileTheHsmIsAtWork_IsScheduledAtOnce_AndErasesOnceItIsDue()
    {
        await Create("ending");
        var ciphertext = await Encrypt("ending");
        await Silo.Key("ending").Rotate(new(TestSilo.Caller));
        Gate.Hold();
        var encryption = Encrypt("ending");
        var decryption = Decrypt("ending", ciphertext);
        await Gate.Held(2).WaitAsync(Patience);
        await Change("ending", "schedule-destruction").WaitAsync(Patience);

        // What is due is committed, and then erased, which is a call of the HSM, too.
        Time.Advance(TimeSpan.FromDays(7));
        var destroying = Describe("ending");
        await Gate.Held(3).WaitAsync(Patience);
        Gate.Release();
        Assert.Equal(2, (await encryption).KeyVersion);
        await Refused("version_not_usable", () => decryption);
        Assert.Equal(KeyVersionState.Destroyed, (await destroying.WaitAsync(Patience)).Versions[0].State);
        Assert.Equal(["ending v2"], await OnToken("ending"));
    }

    [Fact]
    public async Task ManyAtOnce_AreInTheHsmSideBySide_AndEachIsCounted()
    {
        await Create("busy", new(null, 400));
        Gate.Hold();
        var some = Enumerable.Range(0, 8).Select(_ => Encrypt("busy")).ToList();
        await Gate.Held(8).WaitAsync(Patience);
        Gate.Release();
        await Task.WhenAll(some);

        var items = Enumerable.Range(0, 100).Select(i => new EncryptItem([(byte)i])).ToArray();
        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => await Silo.Key("busy").EncryptBatch(new(TestSilo.Caller, items))));
        var versions = results.SelectMany(r => r).Select(r => r.Value!.KeyVersion).GroupBy(v => v).ToDictionary(g => g.Key, g => g.Count());

        // Each version gets exactly its uses, however many ask at once.
        Assert.Equal((392, 400, 208), (versions[1], versions[2], versions[3]));
        Assert.Equal([400, 400, 208], (await Describe("busy")).Versions.Select(v => v.Uses));
        var opened = await Silo.Key("busy").DecryptBatch(new(TestSilo.Caller, [.. results[3].Select(r => new DecryptItem(r.Value!.Ciphertext))]));
        Assert.Equal(items.Select(i => i.Plaintext), opened.Select(o => o.Value!.Plaintext));
    }

    [Theory]
    [InlineData("AES_128_GCM", KeyOrigin.Generated, false, "unsupported_algorithm")]
    [InlineData("CHACHA20_POLY1305", KeyOrigin.Generated, false, "unsupported_algorithm")]
    [InlineData("AES_256_GCM", KeyOrigin.External, false, "invalid_parameter")]
    [InlineData("AES_256_GCM", KeyOrigin.Generated, true, "invalid_parameter")]
    public async Task Create_WhatTheHsmDoesNotHave_IsRefused(string spec, KeyOrigin origin, bool exportable, string error)
    {
        await Refused(error, () => Silo.Key("refused").Create(new()
        {
            Caller = TestSilo.Caller,
            Spec = spec,
            Origin = origin,
            Exportable = exportable,
            Protection = KeyProtection.Hsm,
        }));
        await Refused("key_not_found", () => Describe("refused"));
    }

    [Fact]
    public async Task Create_WhileTheHsmIsAway_MayBeRepeated()
    {
        Gate.IsAway = true;
        await Refused("hsm_unavailable", () => Create("again"));
        Gate.IsAway = false;
        await Create("again");
        Assert.Equal(_plaintext, (await Decrypt("again", await Encrypt("again"))).Plaintext);
        Assert.Single(await OnToken("again"));
    }

    private async Task<KeyDescription> UseInEveryWay(string id, KeyProtection protection)
    {
        await Create(id, new(TimeSpan.FromDays(30), null), protection);
        var key = Silo.Key(id);
        var first = await Encrypt(id);
        var dataKey = await key.GenerateDataKey(new(TestSilo.Caller, 32, WithPlaintext: true));
        Assert.Equal((CiphertextKind.DataKey, 32), ((await Decrypt(id, new(1, dataKey.Ciphertext))).Kind, dataKey.Plaintext!.Length));
        Time.Advance(TimeSpan.FromDays(30));
        var second = await Encrypt(id);
        Assert.Equal((1, 2), (first.KeyVersion, second.KeyVersion));
        var rewrapped = await key.Rewrap(new(TestSilo.Caller, dataKey.Ciphertext));
        Assert.Equal(dataKey.Plaintext, (await Decrypt(id, rewrapped)).Plaintext);
        await key.Rotate(new(TestSilo.Caller));

        var batch = await key.EncryptBatch(new(TestSilo.Caller, [new(_plaintext), new([]), new([1], [2])]));
        Assert.Equal([null, "invalid_parameter", null], batch.Select(r => r.Error?.Code));
        var opened = await key.DecryptBatch(new(TestSilo.Caller, [new(first.Ciphertext), new(batch[2].Value!.Ciphertext)]));
        Assert.Equal([null, "invalid_ciphertext"], opened.Select(r => r.Error?.Code));
        Assert.Null((await key.RewrapBatch(new(TestSilo.Caller, [new(second.Ciphertext)])))[0].Error);
        await Silo.Grains.GetGrain<IReencryptionGrain>(0).Reencrypt(new(TestSilo.Caller, first.Ciphertext, null, id, null));

        await key.DisableVersion(new(TestSilo.Caller, 1));
        await Refused("version_not_usable", () => Decrypt(id, first));
        await key.EnableVersion(new(TestSilo.Caller, 1));
        await key.Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 2 });
        await Refused("version_not_usable", () => Decrypt(id, first));
        await DestroyVersion(id, 1);
        await Refused("invalid_ciphertext", () => Decrypt(id, new(1, [.. second.Ciphertext[..^1], (byte)(second.Ciphertext[^1] ^ 1)])));
        return await Describe(id);
    }

    private async Task<KeyDescription> DestroyVersion(string id, int version)
    {
        await Silo.Versions(id).ScheduleDestruction(new(TestSilo.Caller, version, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        return await Describe(id);
    }

    private Task<KeyDescription> Change(string id, string change) => change switch
    {
        "disable" => Silo.Key(id).Disable(new(TestSilo.Caller)),
        "schedule-deletion" => Silo.Key(id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1))),
        "schedule-destruction" => Silo.Versions(id).ScheduleDestruction(new(TestSilo.Caller, 1)),
        "disable-version" => Silo.Key(id).DisableVersion(new(TestSilo.Caller, 1)),
        "update" => Silo.Key(id).Update(new() { Caller = TestSilo.Caller, Description = new(true, "changed") }),
        _ => Silo.Key(id).Rotate(new(TestSilo.Caller)),
    };

    private Task<KeyDescription> Create(string id, RotationPlan? rotation = null, KeyProtection protection = KeyProtection.Hsm) =>
        Silo.Key(id).Create(new() { Caller = TestSilo.Caller, Rotation = rotation, Protection = protection });

    private async Task<Encrypted> Encrypt(string id) => await Silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));

    private async Task<Decrypted> Decrypt(string id, Encrypted encrypted) => await Silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));

    private async Task<KeyRow?> Row(string id)
    {
        var slot = new RowSlot<KeyRow>(Silo.Rows, GrainId.Create("key", id), RowNames.Key);
        await slot.Read();
        return slot.Row;
    }
}
