namespace OrleansKms.Grains.Access;

/// <summary>
/// The newest <c>access</c> row that this silo has seen. It outlives the activation that reads the row, which Orleans ends when it
/// is idle, and ends with the process: what a restarted silo has not seen, it learns from the database alone, while every other
/// silo and gateway goes on remembering.
/// </summary>
public sealed class SeenAccess
{
    private readonly SeenOrder _seen = new();

    /// <summary>The order of a row among all that there ever were: by restore epoch, and in it by revision. 0 for none.</summary>
    internal static long Order(int epoch, long revision) => revision == 0 ? 0 : SeenOrder.Of(epoch, revision);

    /// <summary>The newest that was seen.</summary>
    internal long Newest => _seen.Newest;

    /// <summary>Notes a row.</summary>
    /// <returns>Whether it is at least as new as all that were seen before.</returns>
    internal bool Note(long order) => _seen.Note(order);
}

/// <summary>The newest of rows that follow each other, as far as this process has seen.</summary>
internal sealed class SeenOrder
{
    // An epoch comes before any number of changes in the one before it.
    private const int EpochShift = 40;

    private long _newest;

    /// <summary>The order of a row among all that there ever were: by restore epoch, and in it by revision.</summary>
    public static long Of(int epoch, long revision) => ((long)epoch << EpochShift) + revision;

    /// <summary>The revision of an order, if it is of this epoch; else 0.</summary>
    public static long RevisionOf(long order, int epoch) => order >> EpochShift == epoch ? order & ((1L << EpochShift) - 1) : 0;

    /// <summary>The newest that was seen.</summary>
    public long Newest => Volatile.Read(ref _newest);

    /// <summary>Notes a row.</summary>
    /// <returns>Whether it is at least as new as all that were seen before.</returns>
    public bool Note(long order)
    {
        for (var newest = Newest; order >= newest; newest = Newest)
        {
            if (Interlocked.CompareExchange(ref _newest, order, newest) == newest)
            {
                return true;
            }
        }

        return false;
    }
}
