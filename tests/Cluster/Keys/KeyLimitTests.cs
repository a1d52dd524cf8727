using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A key's own limits.</summary>
public sealed class KeyLimitTests : KeyGrainTest
{
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Uses_BeyondTheLimit_AreRefusedUntilTheWindowHasPassed()
    {
        await Create("limited", new LimitRule(5, _minute));
        var encrypted = await Encrypt("limited");
        await Decrypt("limited", encrypted);
        await Silo.Key("limited").Rewrap(new(TestSilo.Caller, encrypted.Ciphertext));
        await Silo.Key("limited").GenerateDataKey(new(TestSilo.Caller, 32, true));
        await Encrypt("limited");
        var refusal = await Assert.ThrowsAsync<KmsException>(() => Encrypt("limited"));
        Assert.Equal(("rate_limited", "The limit of the key, 5 of use per PT1M, is reached."), (refusal.Code, refusal.Message));
        Assert.InRange(refusal.RetryAfter!.Value.TotalSeconds, 60, 61);
        await Refused("rate_limited", () => Decrypt("limited", encrypted));
        Assert.True((await Silo.Key("limited").Validate(new(TestSilo.Caller))).Valid);
        Time.Advance(refusal.RetryAfter.Value);
        Assert.Equal(Plaintext, (await Decrypt("limited", encrypted)).Plaintext);
    }

    [Fact]
    public async Task Uses_AreCountedByEachLimitThatNamesThem()
    {
        await Create("several", new LimitRule(3, _minute, "keys:encrypt"), new LimitRule(4, TimeSpan.FromHours(1)), new LimitRule(1, _minute, "keys:rotate"));
        for (var i = 0; i < 3; i++) await Encrypt("several");
        await Refused("rate_limited", () => Encrypt("several"));
        await Silo.Key("several").GenerateDataKey(new(TestSilo.Caller, 32, false));
        await Refused("rate_limited", () => Silo.Key("several").GenerateDataKey(new(TestSilo.Caller, 32, false)).AsTask());
        await Rotate("several");
        await Refused("rate_limited", () => Rotate("several"));
        Time.Advance(_minute + TimeSpan.FromSeconds(3));
        await Rotate("several");
        Assert.Contains("4 of use per PT1H", (await Assert.ThrowsAsync<KmsException>(() => Encrypt("several"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Items_OfABatch_CountEach()
    {
        await Create("batch", new LimitRule(7, _minute));
        var answers = await Silo.Key("batch").EncryptBatch(new(TestSilo.Caller, [.. Enumerable.Repeat(new EncryptItem(Plaintext), 10)]));
        Assert.Equal(7, answers.Count(a => a.Value is not null));
        Assert.All(answers.Skip(7), a => Assert.Equal("rate_limited", a.Error!.Code));
    }

    [Fact]
    public async Task Uses_AfterAGracefulStop_AreWhatTheyWere()
    {
        await Create("stopped", new LimitRule(10_000, _minute));
        for (var i = 0; i < 3; i++) await Encrypt("stopped");
        await Restart();
        var window = Assert.Single((await Row<KeyUsageRow>("stopped", RowNames.KeyUsage))!.Windows!);
        Assert.Equal(3, window.Spent[1]);
        var answers = await Silo.Key("stopped").EncryptBatch(new(TestSilo.Caller, [.. Enumerable.Repeat(new EncryptItem(Plaintext), 1000)]));
        Assert.All(answers, a => Assert.NotNull(a.Value));
    }

    [Fact]
    public async Task Writes_FailingAtEachAwait_LetNoUseBeyondTheLimit()
    {
        for (var point = 0; point < 6; point++)
        {
            var id = $"failing.{point}";
            await Create(id, new LimitRule(12, TimeSpan.FromHours(1)));
            var made = 0;
            for (var i = 0; i < 30; i++)
            {
                Silo.Gate.FailAt(i % 5 == 4 ? point : -1, Unknown());
                made += await Record.ExceptionAsync(() => Encrypt(id)) is null ? 1 : 0;
                Silo.Gate.HoldAt(-1);
                Time.Advance(TimeSpan.FromSeconds(2));
            }

            Assert.InRange(made, 6, 12);
            await Refused("rate_limited", () => Encrypt(id));
        }
    }

    [Fact]
    public async Task Update_ChangesLimits_AndForgetsNothingThatWasCounted()
    {
        await Silo.Create("changed");
        Assert.Null((await Describe("changed")).Limits);
        await Limit("changed", new LimitRule(2, _minute));
        Assert.Equal([new LimitRule(2, _minute)], (await Describe("changed")).Limits!);
        await Encrypt("changed");
        await Encrypt("changed");
        await Refused("rate_limited", () => Encrypt("changed"));
        await Limit("changed", new LimitRule(3, _minute));
        await Encrypt("changed");
        await Refused("rate_limited", () => Encrypt("changed"));
        await Limit("changed");
        Assert.Null((await Describe("changed")).Limits);
        await Encrypt("changed");
        await Limit("changed", new LimitRule(3, _minute));
        await Refused("rate_limited", () => Encrypt("changed"));
    }

    [Fact]
    public async Task Key_IsChangedAndDisabledWhateverItsLimits()
    {
        await Create("managed", new LimitRule(1, TimeSpan.FromDays(31), "*"));
        await Rotate("managed");
        await Refused("rate_limited", () => Describe("managed"));
        await Silo.Key("managed").Disable(new(TestSilo.Caller));
        await Limit("managed");
        Assert.Equal(KeyState.Disabled, (await Describe("managed")).State);
    }

    [Theory]
    [InlineData(0, 60, "use")]
    [InlineData(1, 0.5, "use")]
    [InlineData(1, 31 * 86400 + 1, "use")]
    [InlineData(1, 60, "keys:fly")]
    [InlineData(1, 60, "keys:update")]
    [InlineData(1, 60, "")]
    public async Task Limit_ThatCannotBe_IsRefused(long count, double seconds, string of)
    {
        await Silo.Create("refused");
        await Refused("invalid_parameter", () => Limit("refused", new LimitRule(count, TimeSpan.FromSeconds(seconds), of)));
        await Refused("invalid_parameter", () => Create("refused.too", new LimitRule(count, TimeSpan.FromSeconds(seconds), of)));
    }

    [Fact]
    public async Task Limits_MoreThanThereMayBe_OrTwice_AreRefused()
    {
        await Silo.Create("many");
        await Refused("invalid_parameter", () => Limit("many", [.. Enumerable.Range(1, 9).Select(i => new LimitRule(1, TimeSpan.FromSeconds(i)))]));
        await Refused("invalid_parameter", () => Limit("many", new LimitRule(1, _minute), new LimitRule(2, _minute)));
    }

    private Task<KeyDescription> Create(string id, params LimitRule[] limits) =>
        Silo.Key(id).Create(new() { Caller = TestSilo.Caller, Limits = limits });

    private Task<KeyDescription> Limit(string id, params LimitRule[] limits) =>
        Silo.Key(id).Update(new() { Caller = TestSilo.Caller, Limits = new(true, limits) });
}
