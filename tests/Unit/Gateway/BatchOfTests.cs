using System.Text;
using System.Text.Json;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>A body of many items costs what its batch may have, and not what its length allows.</summary>
public sealed class BatchOfTests
{
    [Fact]
    public void ItemsBeyondABatch_AreNotMade()
    {
        var body = Encoding.ASCII.GetBytes("""{"items":[{}""" + string.Concat(Enumerable.Repeat(",{}", 1_000_000)) + "]}");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(KmsError.InvalidRequest, Assert.Throws<KmsException>(() => JsonSerializer.Deserialize(body, RestJson.Default.CreateKeyBody)).Error);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void WholeBatch_IsRead()
    {
        var items = string.Join(',', Enumerable.Range(0, KmsLimits.BatchItems).Select(i => $$"""{"id":"{{i}}"}"""));
        var body = JsonSerializer.Deserialize($$"""{"items":[{{items}}]}""", RestJson.Default.CreateKeyBody)!;
        Assert.Equal(Enumerable.Range(0, KmsLimits.BatchItems).Select(i => $"{i}"), body.Items!.Select(item => item.Id));
    }
}
