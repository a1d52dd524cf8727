using OrleansKms.Gateway.Limits;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class BytesInFlightTests
{
    private readonly BytesInFlight _bytes = new(100);

    [Fact]
    public void TryTake_BeyondTheLimit_IsRefused_AndTakesNothing()
    {
        Assert.True(_bytes.TryTake(60, held: 0));
        Assert.False(_bytes.TryTake(41, held: 0));
        Assert.True(_bytes.TryTake(40, held: 0));
        Assert.False(_bytes.TryTake(1, held: 60));
        _bytes.Return(60);
        Assert.True(_bytes.TryTake(60, held: 40));
    }

    [Fact]
    public void TryTake_LargerThanTheLimit_IsTakenAlone()
    {
        Assert.True(_bytes.TryTake(90, held: 0));
        Assert.True(_bytes.TryTake(1000, held: 90));
        Assert.False(_bytes.TryTake(1, held: 0));
        _bytes.Return(1090);
        Assert.True(_bytes.TryTake(1, held: 0));
    }

    [Fact]
    public void Default_HoldsTheLargestBatch() => Assert.True(BytesInFlight.Default >= SizeLimits.BatchBody);
}
