using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class RequestRateTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 100)]
    [InlineData(7, 3)]
    [InlineData(9, 1)]
    [InlineData(10, 1)]
    [InlineData(25, 5)]
    [InlineData(25, 25)]
    [InlineData(999, 100)]
    [InlineData(1000, 100)]
    [InlineData(1_000_000, 10_000_000)]
    public void Bucket_AnyRateAndBurst_FillsAtTheRate(int rate, int burst)
    {
        var bucket = RequestRate.Bucket(rate, burst);
        Assert.Equal(burst, bucket.TokenLimit);
        Assert.Equal(rate, bucket.TokensPerPeriod / bucket.ReplenishmentPeriod.TotalSeconds);
        Assert.True(GatewayOptions.CanHold(rate, burst));
    }

    [Theory]
    [InlineData(11, 1)]
    [InlineData(1000, 99)]
    [InlineData(int.MaxValue, int.MaxValue / 10)]
    public void CanHold_LessThanATenthOfTheRate_IsFalse(int rate, int burst) => Assert.False(GatewayOptions.CanHold(rate, burst));

    [Fact]
    public void Allows_TheBurst_AndThenSaysWhenToComeBack()
    {
        using var rate = new RequestRate(new GatewayOptions { RateLimitPerSecond = 1, RateLimitBurst = 3 });
        // More at once than could flow in meanwhile.
        var answers = Enumerable.Range(0, 1000).Select(_ => (Allowed: rate.Allows("a", out var retryAfter), retryAfter)).ToList();
        Assert.Equal([true, true, true, false], answers.Take(4).Select(a => a.Allowed));
        Assert.All(answers, a => Assert.Equal(a.Allowed ? 0 : 1, a.retryAfter));
        Assert.True(rate.Allows("b", out _));
    }
}
