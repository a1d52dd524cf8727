using System.Numerics;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>Finds how large a message a token takes in one call.</summary>
internal static class LargestMessage
{
    /// <summary>The wanted size, or else a power of two, so that the result depends on the token alone; 0 if not even one byte works.</summary>
    /// <param name="wanted">The size wanted, in bytes.</param>
    /// <param name="works">Whether a size works.</param>
    public static int Find(int wanted, Func<int, bool> works)
    {
        var size = wanted;
        while (size > 0 && !Works(size, works))
        {
            size = size == 1 ? 0 : 1 << BitOperations.Log2((uint)size - 1);
        }

        return size;
    }

    private static bool Works(int size, Func<int, bool> works)
    {
        try
        {
            return works(size);
        }
        catch (HsmException e) when (!e.IsTokenLost)
        {
            return false;
        }
    }
}
