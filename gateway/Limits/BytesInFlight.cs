namespace OrleansKms.Gateway.Limits;

/// <summary>
/// How many bytes of bodies are worked on at once. A body costs up to sixteen times its length while it is decoded, sent to a silo,
/// and answered, so many large ones together would take more memory than there is; those that find no room are refused at once, and
/// come again.
/// </summary>
/// <param name="limit">The most bytes; one request alone may have more.</param>
internal sealed class BytesInFlight(long limit)
{
    private const int CostOfAByte = 16;

    private long _taken;

    /// <summary>The limit where none is set: what fits into the memory that the process may use, as a container or the system bounds it.</summary>
    public static long Default => Math.Max(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / CostOfAByte, SizeLimits.BatchBody);

    /// <summary>Takes room, if there is any.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="held">What the same request has already.</param>
    public bool TryTake(long bytes, long held)
    {
        var taken = Interlocked.Add(ref _taken, bytes);
        // A request larger than all the room is taken while it is the only one.
        if (taken <= limit || taken == held + bytes) return true;
        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    /// <summary>Gives room back.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
