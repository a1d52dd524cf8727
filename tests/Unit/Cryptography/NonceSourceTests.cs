using System.Collections.Concurrent;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

public class NonceSourceTests
{
    [Theory]
    [InlineData(12)]
    [InlineData(24)]
    public void Next_OverManyBlocks_NeverRepeats(int length)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < 5_000; i++)
        {
            Assert.True(seen.Add(Next(length)));
        }
    }

    [Fact]
    public void Next_MixedLengths_HandsOutNoByteTwice()
    {
        // A source that goes on too little would end each nonce with the bytes that the next one begins with.
        var overlaps = new int[12];
        var previous = Next(24);
        for (var i = 0; i < 3_000; i++)
        {
            var nonce = Next(i % 3 == 0 ? 24 : 12);
            for (var bytes = 1; bytes <= overlaps.Length; bytes++)
            {
                overlaps[bytes - 1] += previous.EndsWith(nonce[..(2 * bytes)], StringComparison.Ordinal) ? 1 : 0;
            }

            previous = nonce;
        }

        // One byte is the same by chance in 3,000/256 = 12 cases, with a standard deviation of 3.4.
        Assert.All(overlaps, n => Assert.InRange(n, 0, 60));
    }

    [Fact]
    public void Next_ThreadsAtOnce_NeverRepeats()
    {
        var seen = new ConcurrentDictionary<string, bool>();
        var threads = Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 1_500; i++)
            {
                seen.TryAdd(Next(12), true);
            }
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(8 * 1_500, seen.Count);
    }

    [Fact]
    public void Next_EveryBit_IsSometimesSetAndSometimesNot()
    {
        var ones = new int[96];
        for (var i = 0; i < 1_000; i++)
        {
            var nonce = Convert.FromHexString(Next(12));
            for (var bit = 0; bit < ones.Length; bit++)
            {
                ones[bit] += (nonce[bit / 8] >> (bit % 8)) & 1;
            }
        }

        // Half of 1,000, with 12 standard deviations to either side.
        Assert.All(ones, n => Assert.InRange(n, 310, 690));
    }

    private static string Next(int length)
    {
        Span<byte> nonce = stackalloc byte[length];
        NonceSource.System.Next(nonce);
        return Convert.ToHexString(nonce);
    }
}
