namespace OrleansKms.Grains.Access;

/// <summary>
/// The newest <c>access</c> row this silo has seen. It outlives the activation that reads the row, which Orleans ends when idle, and ends
/// with the process. A restarted silo learns everything from the database, while all other silos and gateways remember.
/// </summary>
public sealed class SeenAccess
{
    private readonly SeenOrder _seen = new();

    /// <summary>A row's position among all its versions: restore epoch, then revision. 0 for none.</summary>
    internal static long Order(int epoch, long revision) => revision == 0 ? 0 : SeenOrder.Of(epoch, revision);

    /// <summary>The newest one seen.</summary>
    internal long Newest => _seen.Newest;

    /// <summary>Records a row.</summary>
    /// <returns>Whether it is at least as new as every one seen before.</returns>
    internal bool Note(long order) => _seen.Note(order);
}

/// <summary>The newest version of a row this process has seen.</summary>
internal sealed class SeenOrder
{
    // An epoch outranks any number of changes in the one before.
    private const int EpochShift = 40;

    private long _newest;

    /// <summary>A row's position among all its versions: restore epoch, then revision.</summary>
    public static long Of(int epoch, long revision) => ((long)epoch << EpochShift) + revision;

    /// <summary>The revision in an order, if it is of this epoch; else 0.</summary>
    public static long RevisionOf(long order, int epoch) => order >> EpochShift == epoch ? order & ((1L << EpochShift) - 1) : 0;

    /// <summary>The newest one seen.</summary>
    public long Newest => Volatile.Read(ref _newest);

    /// <summary>Records a row.</summary>
    /// <returns>Whether it is at least as new as every one seen before.</returns>
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
