using System.Data.Common;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>
/// What all silos of a cluster can do. A program reads everything up to its newest level and writes only what the cluster's level
/// allows, so that old and new silos share keys during a rolling upgrade; once every silo runs the new program, a command raises
/// the level, and from then on an older program does not start.
/// </summary>
/// <remarks>
/// Level 1: the first. Level 2: rows of format 2 (Sealing/FORMAT.md). Level 3: versions that are to be destroyed, in the row
/// <c>key</c>, and the manifest of the KEKs (Root/FORMAT.md). Level 4: a key's history, own policy, limits and approval rule in the row
/// <c>key</c>, and principals and policies. Level 5: key specs that older programs do not know, and the public keys of versions in the row
/// <c>key</c>. Level 6: more key specs, more usages of older specs, imported keys and restored ones. The level is the database's, so clusters that share one share it.
/// </remarks>
public sealed class FeatureLevels : IFeatureLevel
{
    /// <summary>The oldest level that this program can run at.</summary>
    public const int Min = FeatureLevel.Min;

    /// <summary>The newest level that this program can run at.</summary>
    public const int Newest = FeatureLevel.Max;

    private const int PendingDestruction = 3;
    private const int AccessAndHistory = 4;

    private readonly Database _database;
    private readonly SiloRegistry _registry;
    private volatile int _current = Min;
    private volatile int _leastProgram;

    internal FeatureLevels(Database database, SiloRegistry registry)
    {
        _database = database;
        _registry = registry;
    }

    /// <summary>The cluster's level, as last read. It never falls.</summary>
    public int Current => _current;

    /// <summary>
    /// Whether every silo that runs or may join can read rows with versions that await destruction: the level was raised, or the
    /// database was created by a program that can and accepts no older one.
    /// </summary>
    public bool AllKnowPendingDestruction => AllKnow(PendingDestruction);

    /// <summary>
    /// Whether every silo that runs or may join keeps what level 4 brings: the level was raised, or the database was created by a
    /// program that knows it and accepts no older one. An older program would drop those fields of the row <c>key</c> at its next
    /// write.
    /// </summary>
    public bool AllKnowLevel4 => AllKnow(AccessAndHistory);

    /// <summary>
    /// Whether every silo that runs or may join knows what a level brings: the level was raised, or the database was created by a
    /// program that knows it and accepts no older one.
    /// </summary>
    /// <param name="level">1, or a level from 3 on: each of those came with a program version of its own.</param>
    public bool AllKnow(int level) => level <= Min || _current >= level || _leastProgram >= level - 1;

    /// <summary>
    /// Raises a cluster's level to <see cref="Newest"/>, from a process that is not a silo. Silos follow within seconds. This
    /// cannot be undone.
    /// </summary>
    /// <param name="options">Where the database is; an embedded one is available only while no service uses it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Receive the migrations' log.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The level before and after; equal when it was already raised.</returns>
    /// <exception cref="StartRefusedException">
    /// A silo that may still run does not support the level (the message names it), or the database cannot be used.
    /// </exception>
    public static async Task<(int From, int To)> Raise(
        DatabaseOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        options.Validate();
        using var database = Database.Of(options, time, loggers);
        try
        {
            await database.Prepare(cancellationToken);

            // No silo starts meanwhile, so none can come between the check and the change.
            await using var schema = await database.LockSchema(cancellationToken);
            await SchemaMigrations.Of(database, loggers).Apply(cancellationToken);
            var registry = new SiloRegistry(database);
            if (!database.IsShared)
            {
                // This process holds the lock on the data directory, so whatever a crash left behind there is not running.
                await registry.RemoveDead(cancellationToken);
            }

            return await new FeatureLevels(database, registry).RaiseLocked(cancellationToken);
        }
        catch (Exception e) when (e is DbException or DatabaseUnreachableException)
        {
            var cause = e is DatabaseUnreachableException { InnerException: { } inner } ? inner : e;
            throw new StartRefusedException($"The feature level cannot be raised: {cause.Message}", e);
        }
    }

    /// <summary>Raises the level of this silo's cluster.</summary>
    /// <inheritdoc cref="Raise(DatabaseOptions, TimeProvider, ILoggerFactory, CancellationToken)" path="/returns"/>
    internal async Task<(int From, int To)> Raise(CancellationToken cancellationToken)
    {
        await using var schema = await _database.LockSchema(cancellationToken);
        return await RaiseLocked(cancellationToken);
    }

    private async Task<(int From, int To)> RaiseLocked(CancellationToken cancellationToken)
    {
        var from = await _registry.ReadFeatureLevel(cancellationToken);
        Require(from);
        var behind = (await _registry.ReadLive(cancellationToken)).Where(s => s.NewestFeatureLevel < Newest).ToList();
        if (behind.Count > 0)
        {
            throw new StartRefusedException(
                $"The feature level stays {from}: the silo {behind[0].Silo} runs a program that supports no more than {behind[0].NewestFeatureLevel}. "
                + "Upgrade it; one that was killed counts for two minutes.");
        }

        await _registry.RaiseFeatureLevel(Newest, cancellationToken);
        Note(Newest);
        return (from, Newest);
    }

    /// <summary>
    /// Reads the level, and refuses to continue above what this program supports. The caller holds the schema's lock.
    /// </summary>
    /// <exception cref="StartRefusedException">The cluster's level is above <see cref="Newest"/>.</exception>
    internal async Task Open(CancellationToken cancellationToken)
    {
        var level = await _registry.ReadFeatureLevel(cancellationToken);
        Require(level);
        _leastProgram = await _registry.ReadMinProgramVersion(cancellationToken);
        Note(level);
    }

    /// <summary>Takes over the level that was read in the background.</summary>
    /// <returns>Whether this program supports it.</returns>
    internal bool Note(int level)
    {
        if (level > Newest)
        {
            return false;
        }

        _current = level;
        return true;
    }

    private static void Require(int level)
    {
        if (level > Newest)
        {
            throw new StartRefusedException(
                $"The cluster's feature level is {level}, and this program supports {Min} to {Newest}. Start a newer OrleansKms.");
        }
    }
}
