using System.Data.Common;
using Microsoft.Extensions.Logging;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// What differs between the databases: how connections are made, which failures leave the outcome open, how calls keep off
/// the grain scheduler, and what must hold before the service starts.
/// </summary>
internal abstract class Database : IDisposable
{
    /// <summary>The database that the options name; connects to nothing yet.</summary>
    /// <exception cref="StartRefusedException">The connection string is not one.</exception>
    public static Database Of(DatabaseOptions options, TimeProvider time, ILoggerFactory loggers) => options.IsEmbedded
        ? new SqliteDatabase(options.DataDirectory, time)
        : new PostgresDatabase(options, time, loggers.CreateLogger<PostgresDatabase>());

    /// <summary>The name by which the Orleans providers know the database.</summary>
    public abstract string Invariant { get; }

    /// <summary>Every connection comes from here; one that cannot be opened is a <see cref="DatabaseUnreachableException"/>.</summary>
    public abstract DbDataSource Connections { get; }

    /// <summary>The folder of the embedded migrations.</summary>
    public abstract string MigrationFolder { get; }

    /// <summary>The clause that keeps tombstones out of a listing, written as in the partial index.</summary>
    public abstract string LiveRows { get; }

    /// <summary>A query whose one value is true while the database can do its work.</summary>
    public abstract string Probe { get; }

    /// <summary>By how much a process's clock may differ from the database's. Machines that keep time differ by milliseconds.</summary>
    public static TimeSpan MaxClockDifference { get; } = TimeSpan.FromSeconds(30);

    /// <summary>What time it is by the database's own clock, UTC; null where it has none of its own.</summary>
    public virtual Task<DateTimeOffset?> ReadTime(CancellationToken cancellationToken) => Task.FromResult<DateTimeOffset?>(null);

    /// <summary>Fails unless what is written finds room on the disk, and changes nothing.</summary>
    public abstract Task RequireRoom(CancellationToken cancellationToken);

    /// <summary>What failed and where, for an operator.</summary>
    public virtual string Explain(Exception failure) =>
        failure is DatabaseUnreachableException { InnerException: { } cause } ? cause.Message : failure.Message;

    /// <summary>Whether several silos may use the database at once.</summary>
    public abstract bool IsShared { get; }

    /// <summary>
    /// The clause that picks the rows of okms_silo whose silos may still run: all that were not removed, were seen in the last
    /// @seconds, and are not dead to the others.
    /// </summary>
    public abstract string LiveSilos { get; }

    /// <summary>Checks and prepares what must hold before the first connection.</summary>
    /// <exception cref="StartRefusedException">It does not hold.</exception>
    public abstract Task Prepare(CancellationToken cancellationToken);

    /// <summary>Keeps every other silo from migrating the schema and from making a KEK, until it is disposed.</summary>
    public abstract Task<IAsyncDisposable> LockSchema(CancellationToken cancellationToken);

    /// <summary>
    /// Makes this process the one that reseals rows, until the result is disposed, and as long as its connection lives.
    /// </summary>
    /// <returns>Null while another process is it.</returns>
    public abstract Task<IAsyncDisposable?> TryLockResealing(CancellationToken cancellationToken);

    /// <summary>
    /// Does what a start needs of the database, and all of it again while the database cannot be reached or goes away in between,
    /// as one does that is starting itself; as long as the start may wait.
    /// </summary>
    /// <param name="attempt">What is done; it may be repeated, and fails with a <see cref="StartRefusedException"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public abstract Task<T> WhenReachable<T>(Func<Task<T>> attempt, CancellationToken cancellationToken);

    /// <summary>Whether the role that this process signs in with may change the schema.</summary>
    public abstract Task<bool> MayMigrate(CancellationToken cancellationToken);

    /// <summary>What applies migrations to this database, without the scripts yet.</summary>
    public abstract DbUp.Builder.UpgradeEngineBuilder Migrations { get; }

    /// <summary>
    /// Removes the silos that the membership table lists, which a restored one remembers from the time of the backup.
    /// </summary>
    /// <exception cref="StartRefusedException">One of them runs.</exception>
    public abstract Task RemoveSilos(CancellationToken cancellationToken);

    /// <summary>Runs a call that only reads.</summary>
    public abstract Task<T> Read<T>(Func<Task<T>> call);

    /// <summary>Runs a call that writes.</summary>
    public abstract Task<T> Write<T>(Func<Task<T>> call);

    /// <summary>Runs a call that writes a row of a grain, and takes no answer for one that a standby may not have.</summary>
    public virtual Task<T> WriteRow<T>(Func<Task<T>> call) => Write(call);

    /// <summary>Whether a write that failed so may have happened nevertheless.</summary>
    public abstract bool IsOutcomeUnknown(Exception failure);

    /// <summary>Whether a statement failed because a row names another one that is not there, such as a KEK that is destroyed.</summary>
    public abstract bool IsMissingReference(Exception failure);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>No connection could be opened, so nothing was executed.</summary>
internal sealed class DatabaseUnreachableException(Exception innerException)
    : Exception("No connection to the database could be opened.", innerException);

/// <summary>Shorthand for commands.</summary>
internal static class DatabaseCommands
{
    /// <summary>Makes a command with named parameters.</summary>
    public static DbCommand Command(
        this DbConnection connection, string text, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is a constant of this assembly; what varies is a parameter.
        command.CommandText = text;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>Executes a statement of a transaction.</summary>
    /// <returns>How many rows it changed.</returns>
    public static async Task<int> Execute(
        this DbTransaction transaction, string text, (string, object)[] parameters, CancellationToken cancellationToken)
    {
        await using var command = transaction.Connection!.Command(text, parameters);
        command.Transaction = transaction;
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
