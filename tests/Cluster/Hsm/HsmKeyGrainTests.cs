using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>The key grain with keys of protection hsm, on a real token and a real database.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmKeyGrainTests(SharedToken shared) : IClassFixture<SharedToken>, IAsyncLifetime
{
    private static readonly byte[] _plaintext = "a key that nobody has"u8.ToArray();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-hsmkey-");
    private readonly string _service = Guid.NewGuid().ToString("N");
    private FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ProviderGate _gate = new();
    private TestSilo _silo = null!;

    private static TimeSpan Patience => TimeSpan.FromMinutes(1);

    private HsmToken Hsm => _silo.Services.GetRequiredService<HsmToken>();

    public async Task InitializeAsync()
    {
        Assert.True(shared.Token.IsHealthy);
        _silo = await Start();
    }

    public async Task DisposeAsync()
    {
        _gate.Release();
        await _silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task AllOperations_AnswerAndCountAsThoseOfASoftwareKey()
    {
        var inHsm = await UseInEveryWay("in.hsm", KeyProtection.Hsm);
        await _silo.DisposeAsync();
        _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        _silo = await Start();
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
        var encrypted = await _silo.Key("format").Encrypt(new(TestSilo.Caller, largest, "context"u8.ToArray()));

        byte[] header = [1, 1, 0, 0, 0, 1, 6, .. Encoding.ASCII.GetBytes("format")];
        Assert.Equal(header, encrypted.Ciphertext[..header.Length]);
        Assert.Equal(header.Length + 12 + largest.Length + 16, encrypted.Ciphertext.Length);
        var opened = await _silo.Key("format").Decrypt(new(TestSilo.Caller, encrypted.Ciphertext, "context"u8.ToArray()));
        Assert.Equal(largest, opened.Plaintext);

        var small = await Encrypt("format");
        for (var i = 0; i < small.Ciphertext.Length; i++)
        {
            byte[] changed = [.. small.Ciphertext];
            changed[i] ^= 1;
            await Refused("invalid_ciphertext", () => Decrypt("format", new(1, changed)));
        }

        await Refused("invalid_ciphertext", async () =>
            await _silo.Key("format").Decrypt(new(TestSilo.Caller, encrypted.Ciphertext, "contexu"u8.ToArray())));
        Assert.True(Hsm.IsHealthy);
    }

    [Fact]
    public async Task Restart_VersionsOpenAgain_AndOnlyAUseCallsTheHsm()
    {
        await _silo.Create("cold.soft");
        await Create("cold.hsm");
        var (soft, first) = (await Encrypt("cold.soft"), await Encrypt("cold.hsm"));
        await _silo.Key("cold.hsm").Rotate(new(TestSilo.Caller));
        var second = await Encrypt("cold.hsm");
        await Restart();

        var before = Hsm.Calls;
        Assert.Equal(_plaintext, (await Decrypt("cold.soft", soft)).Plaintext);
        await Encrypt("cold.soft");
        await _silo.Key("cold.soft").Rotate(new(TestSilo.Caller));
        await _silo.Create("new.soft");
        await _silo.Key("new.soft").Disable(new(TestSilo.Caller));
        Assert.True((await _silo.Key("cold.hsm").Validate(new(TestSilo.Caller))).Valid);
        Assert.All(await _silo.Grains.GetGrain<IKeyRowsGrain>("cold.hsm").Check(new(TestSilo.Caller)), row => Assert.Null(row.Error));
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
        await _silo.Key("lives").Rotate(new(TestSilo.Caller));
        var second = await Encrypt("lives");
        Assert.Equal(["lives v1", "lives v2"], await OnToken("lives"));

        await _silo.Key("lives").Disable(new(TestSilo.Caller));
        await Refused("key_disabled", () => Decrypt("lives", second));
        Assert.Equal(2, (await OnToken("lives")).Count);
        await _silo.Key("lives").Enable(new(TestSilo.Caller));

        await DestroyVersion("lives", 1);
        Assert.Equal(["lives v2"], await OnToken("lives"));
        await Refused("version_not_usable", () => Decrypt("lives", first));
        Assert.Equal(_plaintext, (await Decrypt("lives", second)).Plaintext);

        await _silo.Key("lives").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Assert.Equal(["lives v2"], await OnToken("lives"));
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(KeyState.Destroyed, (await Describe("lives")).State);
        Assert.Empty(await OnToken("lives"));
        Assert.Empty((await Row("lives"))!.ErasePending);
    }

    [Fact]
    public async Task Destroy_WhileTheHsmIsAway_IsCommitted_AndErasedLater()
    {
        await Create("pending");
        var first = await Encrypt("pending");
        await _silo.Key("pending").Rotate(new(TestSilo.Caller));

        _gate.IsAway = true;
        var destroyed = await DestroyVersion("pending", 1);
        Assert.Equal(KeyVersionState.Destroyed, destroyed.Versions[0].State);
        await Refused("version_not_usable", () => Decrypt("pending", first));
        await Refused("hsm_unavailable", () => Encrypt("pending"));
        await Refused("hsm_unavailable", () => _silo.Key("pending").Rotate(new(TestSilo.Caller)));
        Assert.Equal("hsm_unavailable", (await _silo.Key("pending").Validate(new(TestSilo.Caller))).Error);
        Assert.Equal([1], (await Row("pending"))!.ErasePending);
        Assert.Equal(1, await KeyDatabase.Count(_silo, "okms_reminder"));

        // An activation that still cannot does no harm either.
        await Restart();
        await Describe("pending");
        Assert.Equal(["pending v1", "pending v2"], await OnToken("pending"));

        _gate.IsAway = false;
        await ((IRemindable)_silo.Grains.GetGrain(GrainId.Create("key", "pending")).AsReference<IRemindable>())
            .ReceiveReminder("deletion", new(DateTime.UtcNow, TimeSpan.FromMinutes(10), DateTime.UtcNow));
        Assert.Equal(["pending v2"], await OnToken("pending"));
        Assert.Empty((await Row("pending"))!.ErasePending);
        Assert.Equal(0, await KeyDatabase.Count(_silo, "okms_reminder"));
        await Encrypt("pending");
    }

    [Fact]
    public async Task Destroy_ThatTheTokenFails_StaysPending_ThoughTheObjectIsNotFoundAnyMore()
    {
        await Create("undying");
        await _silo.Key("undying").Rotate(new(TestSilo.Caller));
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
        _time.Advance(TimeSpan.FromDays(30));
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
        _gate.Hold();
        var encryption = Encrypt("changing");
        var decryption = Decrypt("changing", ciphertext);
        var batch = _silo.Key("changing").EncryptBatch(new(TestSilo.Caller, [new(_plaintext)])).AsTask();
        await _gate.Held(3).WaitAsync(Patience);

        var changing = Change("changing", change);
        if (change is "rotate")
        {
            // Making a version is a call of the HSM, too.
            await _gate.Held(4).WaitAsync(Patience);
            _gate.Release();
        }

        await changing.WaitAsync(Patience);
        _gate.Release();

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
        await _silo.Key("ending").Rotate(new(TestSilo.Caller));
        _gate.Hold();
        var encryption = Encrypt("ending");
        var decryption = Decrypt("ending", ciphertext);
        await _gate.Held(2).WaitAsync(Patience);
        await Change("ending", "schedule-destruction").WaitAsync(Patience);

        // What is due is committed, and then erased, which is a call of the HSM, too.
        _time.Advance(TimeSpan.FromDays(7));
        var destroying = Describe("ending");
        await _gate.Held(3).WaitAsync(Patience);
        _gate.Release();
        Assert.Equal(2, (await encryption).KeyVersion);
        await Refused("version_not_usable", () => decryption);
        Assert.Equal(KeyVersionState.Destroyed, (await destroying.WaitAsync(Patience)).Versions[0].State);
        Assert.Equal(["ending v2"], await OnToken("ending"));
    }

    [Fact]
    public async Task ManyAtOnce_AreInTheHsmSideBySide_AndEachIsCounted()
    {
        await Create("busy", new(null, 400));
        _gate.Hold();
        var some = Enumerable.Range(0, 8).Select(_ => Encrypt("busy")).ToList();
        await _gate.Held(8).WaitAsync(Patience);
        _gate.Release();
        await Task.WhenAll(some);

        var items = Enumerable.Range(0, 100).Select(i => new EncryptItem([(byte)i])).ToArray();
        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => await _silo.Key("busy").EncryptBatch(new(TestSilo.Caller, items))));
        var versions = results.SelectMany(r => r).Select(r => r.Value!.KeyVersion).GroupBy(v => v).ToDictionary(g => g.Key, g => g.Count());

        // Each version gets exactly its uses, however many ask at once.
        Assert.Equal((392, 400, 208), (versions[1], versions[2], versions[3]));
        Assert.Equal([400, 400, 208], (await Describe("busy")).Versions.Select(v => v.Uses));
        var opened = await _silo.Key("busy").DecryptBatch(new(TestSilo.Caller, [.. results[3].Select(r => new DecryptItem(r.Value!.Ciphertext))]));
        Assert.Equal(items.Select(i => i.Plaintext), opened.Select(o => o.Value!.Plaintext));
    }

    [Theory]
    [InlineData("AES_128_GCM", KeyOrigin.Generated, false, "unsupported_algorithm")]
    [InlineData("CHACHA20_POLY1305", KeyOrigin.Generated, false, "unsupported_algorithm")]
    [InlineData("AES_256_GCM", KeyOrigin.External, false, "invalid_parameter")]
    [InlineData("AES_256_GCM", KeyOrigin.Generated, true, "invalid_parameter")]
    public async Task Create_WhatTheHsmDoesNotHave_IsRefused(string spec, KeyOrigin origin, bool exportable, string error)
    {
        await Refused(error, () => _silo.Key("refused").Create(new()
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
        _gate.IsAway = true;
        await Refused("hsm_unavailable", () => Create("again"));
        _gate.IsAway = false;
        await Create("again");
        Assert.Equal(_plaintext, (await Decrypt("again", await Encrypt("again"))).Plaintext);
        Assert.Single(await OnToken("again"));
    }

    private async Task<KeyDescription> UseInEveryWay(string id, KeyProtection protection)
    {
        await Create(id, new(TimeSpan.FromDays(30), null), protection);
        var key = _silo.Key(id);
        var first = await Encrypt(id);
        var dataKey = await key.GenerateDataKey(new(TestSilo.Caller, 32, WithPlaintext: true));
        Assert.Equal((CiphertextKind.DataKey, 32), ((await Decrypt(id, new(1, dataKey.Ciphertext))).Kind, dataKey.Plaintext!.Length));
        _time.Advance(TimeSpan.FromDays(30));
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
        await _silo.Grains.GetGrain<IReencryptionGrain>(0).Reencrypt(new(TestSilo.Caller, first.Ciphertext, null, id, null));

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
        await _silo.Versions(id).ScheduleDestruction(new(TestSilo.Caller, version, TimeSpan.FromHours(1)));
        _time.Advance(TimeSpan.FromHours(1));
        return await Describe(id);
    }

    private Task<KeyDescription> Change(string id, string change) => change switch
    {
        "disable" => _silo.Key(id).Disable(new(TestSilo.Caller)),
        "schedule-deletion" => _silo.Key(id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1))),
        "schedule-destruction" => _silo.Versions(id).ScheduleDestruction(new(TestSilo.Caller, 1)),
        "disable-version" => _silo.Key(id).DisableVersion(new(TestSilo.Caller, 1)),
        "update" => _silo.Key(id).Update(new() { Caller = TestSilo.Caller, Description = new(true, "changed") }),
        _ => _silo.Key(id).Rotate(new(TestSilo.Caller)),
    };

    private Task<TestSilo> Start() => TestSilo.Start(
        new() { DataDirectory = _folder.FullName, Hsm = SharedToken.Options }, _service, _time,
        new() { MinDeletionDelay = TimeSpan.FromHours(1) }, services: services => GatedProvider.Add(services, _gate));

    private async Task Restart()
    {
        await _silo.DisposeAsync();
        _silo = await Start();
    }

    private Task<KeyDescription> Create(string id, RotationPlan? rotation = null, KeyProtection protection = KeyProtection.Hsm) =>
        _silo.Key(id).Create(new() { Caller = TestSilo.Caller, Rotation = rotation, Protection = protection });

    private async Task<Encrypted> Encrypt(string id) => await _silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));

    private async Task<Decrypted> Decrypt(string id, Encrypted encrypted) => await _silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));

    private Task<KeyDescription> Describe(string id) => _silo.Key(id).Describe(new(TestSilo.Caller));

    private async Task<KeyRow?> Row(string id)
    {
        var slot = new RowSlot<KeyRow>(_silo.Rows, GrainId.Create("key", id), RowNames.Key);
        await slot.Read();
        return slot.Row;
    }

    private async Task<List<string>> OnToken(string id) =>
        [.. (await new HsmInventory(Hsm, _service, TimeProvider.System).List(default))
            .Select(k => k.Label).Where(l => l.StartsWith(id + " v", StringComparison.Ordinal)).Order()];

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    private static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);
}
