using OrleansKms.Gateway.Rest.Cryptography;
using OrleansKms.Grains.Keys;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>How long what cannot be undone waits, and what counts in a batch.</summary>
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

    [Fact]
    public void Batch_CountsItsSignatures()
    {
        var item = new VerifyItem(new(new byte[7], Context: new byte[11]), new byte[7856]);
        Assert.Equal(7 + 11 + 7856, KeyRequestRules.SizeInBatch(item));
        VerifyItem[] tooMany = [.. Enumerable.Repeat(item, (KmsLimits.BatchBytes / 7874) + 1)];
        Assert.Equal("payload_too_large", Assert.Throws<KmsException>(() => KeyRequestRules.CheckBatch(tooMany, KeyRequestRules.SizeInBatch)).Code);
        KeyRequestRules.CheckBatch(tooMany[1..], KeyRequestRules.SizeInBatch);

        // The gateway counts the same.
        var operation = new VerifyOperation { KeyId = "key", Message = item.Input.Data, Context = item.Input.Context, Signature = item.Signature };
        var body = new VerifyItemBody { Message = item.Input.Data, Context = item.Input.Context, Signature = item.Signature };
        Assert.Equal((7874, 7874), (operation.Size, body.CountedBytes));
    }
}
