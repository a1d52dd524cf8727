using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>Keys that encapsulate, through the .NET client: what they count, how they last, and what they need.</summary>
public sealed class EncapsulationKeyTests : KeyGrainTest
{
    private KmsClient Kms => new(Silo.Grains, new() { Principal = "tests" });

    [Theory]
    [InlineData("ML_KEM_768")]
    [InlineData("X_WING")]
    public async Task Secrets_AreFoundAfterARestart_AndCountedByTheVersion(string spec)
    {
        await Kms.CreateKey("kem", spec);
        var first = await Kms.Encapsulate("kem");
        await Kms.RotateKey("kem");
        var second = await Kms.Encapsulate("kem");
        Assert.Equal((1, 2), (first.KeyVersion, second.KeyVersion));
        await Restart();
        Assert.Equal(first.SharedSecret, (await Kms.Decapsulate("kem", first.Ciphertext, 1)).SharedSecret);
        Assert.Equal(second.SharedSecret, (await Kms.Decapsulate("kem", second.Ciphertext)).SharedSecret);
        Assert.Equal(second.SharedSecret, (await Kms.Decapsulate("kem", second.Ciphertext, 2)).SharedSecret);
        Assert.NotEqual(first.SharedSecret, (await Kms.Decapsulate("kem", first.Ciphertext, 2)).SharedSecret);
        await Restart();
        var key = await Describe("kem");
        Assert.Equal((2, 4, 0, 0), (key.Uses.Encapsulate, key.Uses.Decapsulate, key.Uses.Verify, key.Uses.Derive));
        Assert.Equal([1, 3], key.Versions.Select(v => v.Uses));
        Assert.Equal([1L, 3L], (await Row<KeyUsageRow>("kem", RowNames.KeyUsage))!.Versions.Select(v => v.Ceiling));
    }

    [Fact]
    public async Task Decapsulations_AreNeverTooFew_AfterACrash()
    {
        await Kms.CreateKey("crash", "ML_KEM_512");
        var made = await Kms.Encapsulate("crash");
        for (var i = 0; i < 5; i++) await Kms.Decapsulate("crash", made.Ciphertext);
        await Silo.Kill();
        await Restart();
        Assert.InRange((await Describe("crash")).Uses.Decapsulate, 5, 5 + 1024);
        Assert.Equal(made.SharedSecret, (await Kms.Decapsulate("crash", made.Ciphertext)).SharedSecret);
    }

    [Fact]
    public async Task Limits_CountBoth_ByTheirNames()
    {
        await Kms.CreateKey("limited", "ML_KEM_512");
        await Silo.Key("limited").Update(new()
        {
            Caller = TestSilo.Caller,
            Limits = new(true, [new(2, TimeSpan.FromHours(1), "keys:encapsulate"), new(1, TimeSpan.FromHours(1), "keys:decapsulate")]),
        });
        var made = await Kms.Encapsulate("limited");
        await Kms.Encapsulate("limited");
        await Refused("rate_limited", () => Kms.Encapsulate("limited"));
        await Kms.Decapsulate("limited", made.Ciphertext);
        await Refused("rate_limited", () => Kms.Decapsulate("limited", made.Ciphertext));
        await Refused("invalid_ciphertext", () => Kms.Decapsulate("limited", []));
    }

    /// <summary>Encapsulating takes the public part alone: not even damaged material keeps it from that.</summary>
    [Fact]
    public async Task Encapsulation_NeedsNoMaterial()
    {
        await Kms.CreateKey("public", "X_WING");
        var made = await Kms.Encapsulate("public");
        var slot = new RowSlot<KeyRow>(Silo.Rows, Grain("public"), RowNames.Key);
        await slot.Read();
        await slot.Write(slot.Row! with { Material = slot.Row.Material! with { Version = 7 } });
        await Restart();
        Assert.Equal(1, (await Kms.Encapsulate("public")).KeyVersion);
        await Refused("key_corrupted", () => Kms.Decapsulate("public", made.Ciphertext));
    }

    private static async Task Refused<T>(string code, Func<ValueTask<T>> call) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(async () => await call())).Code);
}
