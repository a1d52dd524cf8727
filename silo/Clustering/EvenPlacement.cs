using Orleans.Configuration;

namespace OrleansKms.Silo.Clustering;

/// <summary>
/// Keys are placed at random when they are first used, which spreads them evenly over the silos of that moment. Imbalances that
/// remain after silos have gone and come back are evened out by moving keys, a bounded number at a time.
/// </summary>
/// <remarks>
/// A key that moves is deactivated, which writes its exact counters, and read again at its destination: a move costs one small
/// write and two reads, and a call to the key waits for that long. While the database is away nothing moves.
/// </remarks>
internal static class EvenPlacement
{
    /// <summary>How often keys are moved, while there is an imbalance.</summary>
    private static readonly TimeSpan Cycle = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The maximum number of keys that leave one silo in a cycle. They leave together, so this many small writes must not keep a
    /// small database busy for so long that one times out and its counter resumes at the reserved ceiling.
    /// </summary>
    private const int MaxMoves = 1000;

    /// <summary>Adds the balancing of keys.</summary>
    public static ISiloBuilder UseEvenPlacement(this ISiloBuilder silo)
    {
#pragma warning disable ORLEANSEXP002 // Marked experimental for its tuning, which is set here and measured.
        silo.AddActivationRebalancer();
#pragma warning restore ORLEANSEXP002
        silo.Services.AddHostedService<NoMovesWithoutDatabase>();
        return silo.Configure<ActivationRebalancerOptions>(options =>
        {
            options.RebalancerDueTime = TimeSpan.FromSeconds(30);
            options.SessionCyclePeriod = Cycle;
            options.ActivationMigrationCountLimit = MaxMoves;
            // What fraction of the difference moves in the first cycles of a session: a tenth, with the default of 0.1.
            options.CycleNumberWeight = 0.5;
        });
    }
}
