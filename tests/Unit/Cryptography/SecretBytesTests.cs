using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

public class SecretBytesTests
{
    [Fact]
    public void Dispose_ZeroesTheMemory()
    {
        var secret = SecretBytes.Random(32);
        var seen = secret.Span.ToArray();
        Assert.NotEqual(new byte[32], seen);

        // The memory outlives the span, because the array is pinned and still referenced.
        var memory = secret.Span;
        secret.Dispose();
        Assert.True(memory.SequenceEqual(new byte[32]));
        secret.Dispose();
    }

    [Fact]
    public void Span_AfterDispose_Throws()
    {
        var secret = new SecretBytes(16);
        secret.Dispose();
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
    }

    [Fact]
    public void ToString_IsNeverTheSecret()
    {
        using var secret = SecretBytes.Random(32);
        Assert.Equal("[secret]", secret.ToString());
        Assert.Equal("[secret]", $"{secret}");
    }

    [Fact]
    public void Random_Twice_Differs()
    {
        using var one = SecretBytes.Random(32);
        using var two = SecretBytes.Random(32);
        Assert.Equal(32, one.Length);
        Assert.False(one.Span.SequenceEqual(two.Span));
    }

    [Fact]
    public void CopyOf_IsACopyOfItsOwn()
    {
        byte[] bytes = [1, 2, 3];
        using var copy = SecretBytes.CopyOf(bytes);
        bytes[0] = 9;
        Assert.Equal([1, 2, 3], copy.Span.ToArray());
    }
}
