namespace OrleansKms.Grains.Access;

/// <summary>
/// The newest <c>access</c> row that this silo has seen. It outlives the activation that reads the row, which Orleans ends when it
/// is idle, and ends with the process: what a restarted silo has not seen, it learns from the database alone, while every other
/// silo and gateway goes on remembering.
/// </summary>
public sealed class SeenAccess
{
    // An epoch comes before any number of changes in the one before it.
    private const int EpochShift = 40;

    private long _newest;

    /// <summary>The order of a row among all that there ever were: by restore epoch, and in it by revision. 0 for none.</summary>
    internal static long Order(int epoch, long revision) => revision == 0 ? 0 : ((long)epoch << EpochShift) + revision;

    /// <summary>The newest that was seen.</summary>
    internal long Newest => Volatile.Read(ref _newest);

    /// <summary>Notes a row.</summary>
    /// <returns>Whether it is at least as new as all that were seen before.</returns>
    internal bool Note(long order)
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
