using System.Buffers;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>Blocks of connections are large while few are lent, and many take no more memory than the web server's own.</summary>
public sealed class ConnectionMemoryTests : IDisposable
{
    private readonly MemoryPool<byte> _pool = new ConnectionMemory().Create();

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void Rent_WhileFewAreLent_GivesLargeBlocks_ThenSmallOnes()
    {
        var lent = Rent(ConnectionMemory.MaxLargeBlocks);
        Assert.All(lent, block => Assert.Equal(ConnectionMemory.LargeBlock, block.Memory.Length));
        Assert.All(Rent(10), block => Assert.Equal(ConnectionMemory.SmallBlock, block.Memory.Length));

        lent[7].Dispose();
        Assert.Same(lent[7], _pool.Rent(ConnectionMemory.SmallBlock));
    }

    [Fact]
    public void Rent_OfWhatCameBack_GivesTheLastAgain_AndNeverOneTwice()
    {
        var lent = Rent(ConnectionMemory.MaxLargeBlocks + 100);
        foreach (var block in lent) block.Dispose();
        var again = Rent(ConnectionMemory.MaxLargeBlocks + 100);
        Assert.Same(lent[ConnectionMemory.MaxLargeBlocks - 1], again[0]);
        Assert.Equal(again.Count, again.Distinct().Count());
        Assert.Equal(lent.ToHashSet(), again.ToHashSet());
    }

    [Fact]
    public void Dispose_OfABlockThatIsBack_IsRefused()
    {
        var block = _pool.Rent();
        block.Dispose();
        Assert.Throws<InvalidOperationException>(block.Dispose);
    }

    [Fact]
    public void Rent_OfMoreThanABlock_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _pool.Rent(_pool.MaxBufferSize + 1));

    [Fact]
    public void Rent_ByManyThreads_LendsEachBlockOnce() => Parallel.For(0, 8, thread =>
    {
        for (var i = 0; i < 10_000; i++)
        {
            using var block = _pool.Rent(ConnectionMemory.SmallBlock);
            block.Memory.Span[0] = (byte)thread;
            Assert.Equal((byte)thread, block.Memory.Span[0]);
        }
    });

    private List<IMemoryOwner<byte>> Rent(int blocks) =>
        [.. Enumerable.Range(0, blocks).Select(_ => _pool.Rent(ConnectionMemory.SmallBlock))];
}
