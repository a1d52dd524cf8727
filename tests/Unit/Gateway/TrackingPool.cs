using System.Buffers;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>A pool that knows what is borrowed and keeps what came back as it was.</summary>
internal sealed class TrackingPool : ArrayPool<byte>
{
    private readonly Lock _lock = new();
    private readonly HashSet<byte[]> _borrowed = [];

    /// <summary>Everything that came back, in its order.</summary>
    public List<byte[]> Returned { get; } = [];

    /// <summary>What is still out.</summary>
    public int Borrowed => _borrowed.Count;

    public override byte[] Rent(int minimumLength)
    {
        var array = new byte[minimumLength];
        lock (_lock) _borrowed.Add(array);
        return array;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        lock (_lock)
        {
            Assert.True(_borrowed.Remove(array), "It was not borrowed, or came back twice.");
            Returned.Add(array);
        }
    }

    /// <summary>Something was borrowed, all of it is back, and nothing is left in it.</summary>
    public void IsBackAndZero()
    {
        Assert.Equal(0, Borrowed);
        Assert.NotEmpty(Returned);
        Assert.All(Returned, array => Assert.False(array.AsSpan().ContainsAnyExcept((byte)0)));
    }
}
