namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>What the items of a batch cost their key: each runs once, whether it succeeds or fails.</summary>
public sealed class BatchTests(ObservedSilo observed) : IClassFixture<ObservedSilo>
{
    private static readonly byte[] _plaintext = "an item"u8.ToArray();

    private TestSilo Silo => observed.Silo;

    private long Calls => observed.Provider.Calls;

    [Fact]
    public async Task DecryptBatch_OfForgeries_OpensEachOnce()
    {
        var (key, good, forged) = await Key("forgeries");
        var calls = Calls;
        var results = await key.DecryptBatch(new(TestSilo.Caller, [new(forged), new(good), new(forged)]));
        Assert.Equal(["invalid_ciphertext", null, "invalid_ciphertext"], results.Select(r => r.Error?.Code));
        Assert.Equal(_plaintext, results[1].Value!.Plaintext);
        Assert.Equal(3, Calls - calls);
        Assert.Equal(1, (await Uses(key)).Decrypt);
    }

    [Fact]
    public async Task RewrapBatch_WhereEverythingIsReady_OpensEachOnceAndSpendsAUseForEachThatSucceeds()
    {
        var (key, good, forged) = await Key("rewraps");
        var before = await Uses(key);
        var calls = Calls;
        var results = await key.RewrapBatch(new(
            TestSilo.Caller, [new(forged), new(good), new(good, new byte[KmsLimits.AssociatedDataBytes + 1]), new(good)]));
        Assert.Equal(["invalid_ciphertext", null, "payload_too_large", null], results.Select(r => r.Error?.Code));

        // The forgery is opened, the two good ones are opened and encrypted, and what is too large reaches no cipher.
        Assert.Equal(5, Calls - calls);
        var after = await Uses(key);
        Assert.Equal(2, after.Encrypt - before.Encrypt);
        Assert.Equal(2, after.Decrypt - before.Decrypt);
        var opened = await key.DecryptBatch(new(TestSilo.Caller, [new(results[1].Value!.Ciphertext), new(results[3].Value!.Ciphertext)]));
        Assert.All(opened, item => Assert.Equal(_plaintext, item.Value!.Plaintext));
    }

    [Fact]
    public async Task RewrapBatch_AcrossAPlannedRotation_SpendsExactlyEachVersionsUses()
    {
        await Silo.Create("planned", new(null, 3));
        var key = Silo.Key("planned");
        var first = await key.Encrypt(new(TestSilo.Caller, _plaintext));
        var calls = Calls;
        var results = await key.RewrapBatch(new(TestSilo.Caller, [.. Enumerable.Repeat(new DecryptItem(first.Ciphertext), 4)]));
        Assert.Equal([1, 1, 2, 2], results.Select(r => r.Value!.KeyVersion));
        Assert.Equal(8, Calls - calls);
        Assert.Equal([3, 2], (await key.Describe(new(TestSilo.Caller))).Versions.Select(v => v.Uses));
    }

    [Fact]
    public async Task EncryptBatch_OfItemsThatBreakARule_SpendsNothingForThem()
    {
        var (key, _, _) = await Key("rules");
        var before = await Uses(key);
        var results = await key.EncryptBatch(new(
            TestSilo.Caller, [new([]), new(_plaintext), new(_plaintext, new byte[KmsLimits.AssociatedDataBytes + 1])]));
        Assert.Equal(["invalid_parameter", null, "payload_too_large"], results.Select(r => r.Error?.Code));
        Assert.Equal(1, (await Uses(key)).Encrypt - before.Encrypt);
    }

    private async Task<(IKeyGrain Key, byte[] Good, byte[] Forged)> Key(string id)
    {
        await Silo.Create(id);
        var key = Silo.Key(id);
        var good = (await key.Encrypt(new(TestSilo.Caller, _plaintext))).Ciphertext;
        var forged = good.ToArray();
        forged[^1] ^= 1;
        return (key, good, forged);
    }

    private static async Task<KeyUses> Uses(IKeyGrain key) => (await key.Describe(new(TestSilo.Caller))).Uses;
}
