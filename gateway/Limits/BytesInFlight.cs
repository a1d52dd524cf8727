namespace OrleansKms.Gateway.Limits;

/// <summary>
/// Bounds the bytes of request bodies in flight. A body costs up to sixteen times its length while it is decoded, sent to a silo, and
/// answered, so many large ones at once would exhaust memory. Requests that do not fit are refused at once; clients retry.
/// </summary>
/// <param name="limit">The maximum number of bytes; a single request may exceed it when it is alone.</param>
internal sealed class BytesInFlight(long limit)
{
    private const int CostOfAByte = 16;

    private long _taken;

    /// <summary>The default limit: what fits into the memory available to the process, as the container or system bounds it.</summary>
    public static long Default => Math.Max(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / CostOfAByte, SizeLimits.BatchBody);

    /// <summary>Reserves bytes, if they fit.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="held">What the same request has reserved already.</param>
    public bool TryTake(long bytes, long held)
    {
        var taken = Interlocked.Add(ref _taken, bytes);
        // A request larger than the limit is admitted while it is alone.
        if (taken <= limit || taken == held + bytes) return true;
        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    /// <summary>Releases reserved bytes.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
