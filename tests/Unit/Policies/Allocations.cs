namespace OrleansKms.Tests.Unit.Policies;

/// <summary>What code allocates that should allocate nothing.</summary>
internal static class Allocations
{
    /// <summary>The bytes that the best of many repetitions takes: the runtime itself allocates now and then, when it compiles anew what runs often.</summary>
    public static long Least(Action repeated)
    {
        var least = long.MaxValue;
        for (var round = 0; round < 20 && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            repeated();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
