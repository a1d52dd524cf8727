using OrleansKms.Grains.Keys;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>How long what cannot be undone waits.</summary>
public sealed class KeyRequestRulesTests
{
    [Theory]
    [InlineData(0, 7)]
    [InlineData(7, 7)]
    [InlineData(10, 10)]
    public void Destruction_WaitsSevenDaysUnlessTheOperatorsMinimumIsLonger(int minDays, int expectedDays)
    {
        var options = new KeyOptions { MinDeletionDelay = TimeSpan.FromDays(minDays) };
        var delay = KeyRequestRules.DefaultDestructionDelay(options);
        Assert.Equal(TimeSpan.FromDays(expectedDays), delay);
        KeyRequestRules.CheckDelay(delay, options);
    }

    [Fact]
    public void Delay_IsTheOperatorsLeastTo365Days()
    {
        var options = new KeyOptions { MinDeletionDelay = TimeSpan.FromDays(10) };
        foreach (var after in new[] { TimeSpan.FromDays(10) - TimeSpan.FromTicks(1), TimeSpan.FromDays(365) + TimeSpan.FromTicks(1), -TimeSpan.FromDays(11) })
        {
            Assert.Equal("invalid_parameter", Assert.Throws<KmsException>(() => KeyRequestRules.CheckDelay(after, options)).Code);
        }

        KeyRequestRules.CheckDelay(TimeSpan.FromDays(365), options);
    }
}
