using Orleans.Configuration;

namespace OrleansKms.Silo.Clustering;

/// <summary>
/// Keys are placed at random when they are first used, which spreads them evenly over the silos that are there then. What
/// that leaves uneven, after silos have gone and come back, is evened out by moving keys, a bounded number at a time.
/// </summary>
/// <remarks>
/// A key that moves is deactivated, which writes its exact counters, and read again where it goes: the price of a move is one
/// small write and two reads, and a call to the key meanwhile waits for that long. While the database is away nothing moves.
/// </remarks>
internal static class EvenPlacement
{
    /// <summary>How often keys are moved, while there is anything to even out.</summary>
    private static readonly TimeSpan Cycle = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The most keys that leave one silo in one cycle. They go at once, so this many small writes must not keep a small database
    /// so long that one of them gives up, whose counter would then resume at its reserved ceiling.
    /// </summary>
    private const int MaxMoves = 1000;

    /// <summary>Adds the moving of keys.</summary>
    public static ISiloBuilder UseEvenPlacement(this ISiloBuilder silo)
    {
#pragma warning disable ORLEANSEXP002 // Marked as experimental for its tuning, which is set here and measured.
        silo.AddActivationRebalancer();
#pragma warning restore ORLEANSEXP002
        silo.Services.AddHostedService<NoMovesWithoutDatabase>();
        return silo.Configure<ActivationRebalancerOptions>(options =>
        {
            options.RebalancerDueTime = TimeSpan.FromSeconds(30);
            options.SessionCyclePeriod = Cycle;
            options.ActivationMigrationCountLimit = MaxMoves;
            // How much of a difference goes in the first cycles of a session: with the default of 0.1 a tenth.
            options.CycleNumberWeight = 0.5;
        });
    }
}
