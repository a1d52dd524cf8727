using System.Globalization;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class DescribedPageTests
{
    private static readonly string[] _ids = [.. Enumerable.Range(0, 1000).Select(i => i.ToString("d4", CultureInfo.InvariantCulture))];

    private int _running;
    private int _most;
    private int _asked;

    [Fact]
    public async Task Collect_SmallKeys_AreAllThere_InOrder_AFewAtATime()
    {
        var page = await DescribedPage.Collect(_ids, id => Describe(id, versions: 1), () => false);
        Assert.Equal(_ids, page.Select(key => key.Id));
        Assert.InRange(_most, 2, DescribedPage.AtOnce);
    }

    [Theory]
    [InlineData(50_000, 1)]
    [InlineData(1_000, 18)]
    public async Task Collect_KeysOfManyVersions_EndWhereThePageIsLarge(int versions, int keys)
    {
        var page = await DescribedPage.Collect(_ids, id => Describe(id, versions), () => false);
        Assert.Equal(_ids[..keys], page.Select(key => key.Id));
        Assert.InRange(_asked, keys, keys + DescribedPage.AtOnce);
        Assert.InRange(_most, 1, DescribedPage.AtOnce);
    }

    [Fact]
    public async Task Collect_Late_EndsAfterTheFirst()
    {
        var page = await DescribedPage.Collect(_ids, id => Describe(id, versions: 1), () => true);
        Assert.Equal(_ids[..DescribedPage.AtOnce], page.Select(key => key.Id));
    }

    private async Task<ListedKey> Describe(string id, int versions)
    {
        // What comes after the yield runs on any thread, side by side with the next key's beginning.
        Interlocked.Increment(ref _asked);
        InterlockedMax(ref _most, Interlocked.Increment(ref _running));
        await Task.Yield();
        Interlocked.Decrement(ref _running);
        return new ListedKey(id, KeyAnswer.Of(FakeKey.Of(id, versions)), null);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
        {
            var before = Interlocked.CompareExchange(ref most, value, seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
