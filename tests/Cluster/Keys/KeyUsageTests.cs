using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>What a key counts, and the plans and limits that go by those counters.</summary>
public sealed class KeyUsageTests : KeyGrainTest
{
    [Fact]
    public async Task Uses_AfterAGracefulStop_AreExact()
    {
        await Silo.Create("exact");
        for (var i = 0; i < 7; i++)
        {
            await Decrypt("exact", await Encrypt("exact"));
        }

        await Restart();
        var uses = (await Describe("exact")).Uses;
        Assert.Equal((7, 7, 14L * Plaintext.Length), (uses.Encrypt, uses.Decrypt, uses.Bytes));
        Assert.Equal(Time.GetUtcNow(), uses.LastUsedAt);
    }

    [Fact]
    public async Task Bytes_OfAKeyThatOnlyEncrypts_AreWrittenWhileItLives()
    {
        await Silo.Create("only.encrypts");
        await Encrypt("only.encrypts");

        // After the next write, which nobody asks for.
        Silo.Gate.HoldAt(1);
        await Silo.Gate.Reached.WaitAsync(TimeSpan.FromMinutes(2));
        var stored = (await Row<KeyUsageRow>("only.encrypts", RowNames.KeyUsage))!.Versions.Single();
        Silo.Gate.Release();
        Assert.Equal((Plaintext.Length, Time.GetUtcNow()), (stored.Bytes, stored.LastUsedAt));
    }

    [Fact]
    public async Task Rotation_ByTime_HappensOnUseAndOnDescribe()
    {
        await Silo.Create("by.time", new(TimeSpan.FromDays(30), null));
        Assert.Equal(1, (await Encrypt("by.time")).KeyVersion);
        Time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(2, (await Encrypt("by.time")).KeyVersion);
        Assert.Equal(Time.GetUtcNow().AddDays(30), (await Describe("by.time")).NextRotationAt);
        Time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(3, (await Describe("by.time")).PrimaryVersion);
    }

    [Fact]
    public async Task Rotation_ByUse_GivesEachVersionExactlyItsUses()
    {
        await Silo.Create("by.use", new(null, 20));
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
        await Silo.Create("by.use.slowly", new(null, 3));
        var versions = new List<int>();
        for (var i = 0; i < 10; i++)
        {
            versions.Add((await Encrypt("by.use.slowly")).KeyVersion);

            // Changes nothing, and comes back when nothing is being written any more.
            await Silo.Key("by.use.slowly").Enable(new(TestSilo.Caller));
        }

        Assert.Equal([1, 1, 1, 2, 2, 2, 3, 3, 3, 4], versions);
    }

    [Fact]
    public async Task Rotation_ByUse_CountsDataKeysRewrapsAndItemsOfABatch()
    {
        await Silo.Create("by.all", new(null, 10));
        var key = Silo.Key("by.all");
        var first = await Encrypt("by.all");
        await key.GenerateDataKey(new(TestSilo.Caller, 32, true));
        await key.Rewrap(new(TestSilo.Caller, first.Ciphertext));
        var batch = await key.EncryptBatch(new(TestSilo.Caller, [.. Enumerable.Repeat(new EncryptItem(Plaintext), 9)]));
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 2, 2], batch.Select(r => r.Value!.KeyVersion));
        var description = await Describe("by.all");
        Assert.Equal([10, 2], description.Versions.Select(v => v.Uses));
    }

    [Fact]
    public async Task Update_ALowerPlanThanIsReserved_TakesEffectAtOnce()
    {
        await Silo.Create("lower");
        for (var i = 0; i < 5; i++)
        {
            await Encrypt("lower");
        }

        await Silo.Key("lower").Update(new() { Caller = TestSilo.Caller, Rotation = new(true, new(null, 6)) });
        Assert.Equal(1, (await Encrypt("lower")).KeyVersion);
        Assert.Equal(2, (await Encrypt("lower")).KeyVersion);
    }

    [Fact]
    public async Task Gcm_AtItsLimits_RotatesAndRefuses()
    {
        // The limit itself cannot be reached by encrypting, so the stored ceiling is moved there.
        await Silo.Create("limit");
        await MoveCeiling("limit", (1L << 31) - 1);
        Assert.Equal(1, (await Encrypt("limit")).KeyVersion);
        Assert.Equal(2, (await Encrypt("limit")).KeyVersion);

        await Silo.Create("refuse");
        await MoveCeiling("refuse", 1L << 32);
        await MakeExternal("refuse");
        await Refused("key_exhausted", () => Encrypt("refuse"));
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
            await Silo.Create(id, new RotationPlan(null, afterUses));
            for (var i = 0; i < 4 * afterUses + 2; i++)
            {
                // At the first version's end, and at what follows.
                Silo.Gate.FailAt(i == afterUses - 1 || i >= afterUses ? point : -1, Unknown());
                var encrypted = await TryEncrypt(id);
                Silo.Gate.HoldAt(-1);
                Time.Advance(TimeSpan.FromSeconds(2));
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
    public async Task Lease_WhenStorageIsGone_DecryptsOnEncryptsToItsEndAndThenRefuses()
    {
        await Silo.Create("lease", new(null, 1000));
        var encrypted = await Encrypt("lease");
        var down = new Outage(Silo.Gate);
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
        Assert.Equal(Plaintext, (await Decrypt("lease", encrypted)).Plaintext);
        down.End();
        Time.Advance(TimeSpan.FromSeconds(2));
        await Encrypt("lease");
        Assert.True((await Describe("lease")).Uses.Encrypt >= made + 1);
    }

    [Fact]
    public async Task UsageRow_Missing_IsCorruptionAndNeverZero()
    {
        await Silo.Create("robbed");
        var encrypted = await Encrypt("robbed");
        await Restart();
        var slot = new RowSlot<KeyUsageRow>(Silo.Rows, Grain("robbed"), RowNames.KeyUsage);
        await slot.ClearUnread();
        for (var start = 0; start < 2; start++)
        {
            // Counts something that the end of the activation would write.
            Assert.Equal(Plaintext, (await Decrypt("robbed", encrypted)).Plaintext);
            await Refused("key_corrupted", () => Encrypt("robbed"));
            await Refused("key_corrupted", () => Describe("robbed"));
            await Restart();
        }

        Assert.Null(await Row<KeyUsageRow>("robbed", RowNames.KeyUsage));
    }

    private async Task MoveCeiling(string id, long ceiling)
    {
        await Restart();
        var slot = new RowSlot<KeyUsageRow>(Silo.Rows, Grain(id), RowNames.KeyUsage);
        await slot.Read();
        await slot.Write(slot.Row! with { Versions = [new(1, ceiling, 0, 0, 0, null)] });
    }

    private async Task MakeExternal(string id)
    {
        var slot = new RowSlot<KeyRow>(Silo.Rows, Grain(id), RowNames.Key);
        await slot.Read();
        await slot.Write(slot.Row! with { Origin = KeyOrigin.External });
    }

    /// <summary>Makes the next storage call fail, again and again.</summary>
    private sealed class Outage(Gate gate)
    {
        public void Begin() => gate.FailAt(0, Unknown());

        public void End() => gate.HoldAt(-1);
    }
}
