using System.Data.Common;
using Microsoft.Extensions.Logging;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// The differences between the databases: how connections are made, which failures leave the outcome unknown, how calls stay off
/// the grain scheduler, and what must hold before the service starts.
/// </summary>
internal abstract class Database : IDisposable
{
    /// <summary>The database that the options name; not connected yet.</summary>
    /// <exception cref="StartRefusedException">The connection string is malformed.</exception>
    public static Database Of(DatabaseOptions options, TimeProvider time, ILoggerFactory loggers) => options.IsEmbedded
        ? new SqliteDatabase(options.DataDirectory, time)
        : new PostgresDatabase(options, time, loggers.CreateLogger<PostgresDatabase>());

    /// <summary>The database's name in the Orleans providers.</summary>
    public abstract string Invariant { get; }

    /// <summary>
    /// The source of every connection; one that cannot be opened throws <see cref="DatabaseUnreachableException"/>.
    /// </summary>
    public abstract DbDataSource Connections { get; }

    /// <summary>The folder of the embedded migrations.</summary>
    public abstract string MigrationFolder { get; }

    /// <summary>The clause that leaves tombstones out of a listing, written as in the partial index.</summary>
    public abstract string LiveRows { get; }

    /// <summary>A query that returns true while the database can do its work.</summary>
    public abstract string Probe { get; }

    /// <summary>
    /// By how much a process's clock may differ from the database's. Synchronised machines differ by milliseconds.
    /// </summary>
    public static TimeSpan MaxClockDifference { get; } = TimeSpan.FromSeconds(30);

    /// <summary>The time by the database's own clock, UTC; null where it has none.</summary>
    public virtual Task<DateTimeOffset?> ReadTime(CancellationToken cancellationToken) => Task.FromResult<DateTimeOffset?>(null);

    /// <summary>Fails unless the disk has room for a write, and changes nothing.</summary>
    public abstract Task RequireRoom(CancellationToken cancellationToken);

    /// <summary>What failed and where, in words for an operator.</summary>
    public virtual string Explain(Exception failure) =>
        failure is DatabaseUnreachableException { InnerException: { } cause } ? cause.Message : failure.Message;

    /// <summary>Whether several silos may share the database.</summary>
    public abstract bool IsShared { get; }

    /// <summary>
    /// The clause for the rows of okms_silo whose silos may still run: not removed, seen within the last @seconds, and not dead
    /// to the others.
    /// </summary>
    public abstract string LiveSilos { get; }

    /// <summary>Checks and prepares what must hold before the first connection.</summary>
    /// <exception cref="StartRefusedException">A requirement is not met.</exception>
    public abstract Task Prepare(CancellationToken cancellationToken);

    /// <summary>Keeps every other silo from migrating the schema and from making a KEK, until disposed.</summary>
    public abstract Task<IAsyncDisposable> LockSchema(CancellationToken cancellationToken);

    /// <summary>Makes this process the one that reseals rows, until the result is disposed or its connection dies.</summary>
    /// <returns>Null while another process holds the role.</returns>
    public abstract Task<IAsyncDisposable?> TryLockResealing(CancellationToken cancellationToken);

    /// <summary>
    /// Does the database work of a start, and repeats all of it while the database cannot be reached or goes away in between, as
    /// one does that is itself starting; for as long as the start may wait.
    /// </summary>
    /// <param name="attempt">The work; it may be repeated, and fails with a <see cref="StartRefusedException"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public abstract Task<T> WhenReachable<T>(Func<Task<T>> attempt, CancellationToken cancellationToken);

    /// <summary>Whether the role of this process may change the schema.</summary>
    public abstract Task<bool> MayMigrate(CancellationToken cancellationToken);

    /// <summary>The engine that applies migrations to this database, without its scripts.</summary>
    public abstract DbUp.Builder.UpgradeEngineBuilder Migrations { get; }

    /// <summary>
    /// Removes the silos in the membership table, which a restored database remembers from the time of the backup.
    /// </summary>
    /// <exception cref="StartRefusedException">One of them is running.</exception>
    public abstract Task RemoveSilos(CancellationToken cancellationToken);

    /// <summary>Runs a call that only reads.</summary>
    public abstract Task<T> Read<T>(Func<Task<T>> call);

    /// <summary>Runs a call that writes.</summary>
    public abstract Task<T> Write<T>(Func<Task<T>> call);

    /// <summary>Runs statements that write, in one transaction.</summary>
    public Task<T> InTransaction<T>(Func<DbTransaction, Task<T>> statements, CancellationToken cancellationToken) => Write(async () =>
    {
        await using var connection = await Connections.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var result = await statements(transaction);
        await transaction.CommitAsync(cancellationToken);
        return result;
    });

    /// <summary>
    /// Runs a call that writes a row of a grain, and takes a reply only once a synchronous standby has the row.
    /// </summary>
    public virtual Task<T> WriteRow<T>(Func<Task<T>> call) => Write(call);

    /// <summary>
    /// Closes the connections for rows of keys that nobody uses at the moment. When the database has gone away they are dead, and whoever got
    /// one would not know what became of its rows.
    /// </summary>
    public virtual void CloseIdle()
    {
    }

    /// <summary>How many transactions with rows of keys run at once.</summary>
    public abstract int RowLanes { get; }

    /// <summary>
    /// Writes rows of keys in one transaction, within <see cref="WriteRow"/>, and sets what became of each. If it fails, none was written
    /// unless <see cref="IsOutcomeUnknown"/>.
    /// </summary>
    public abstract Task WriteRows(string serviceId, IReadOnlyList<RowWrite> writes);

    /// <summary>How many queries for rows of keys run at once.</summary>
    public abstract int ReadLanes { get; }

    /// <summary>Reads rows of keys, and sets what was found.</summary>
    public abstract Task ReadRows(string serviceId, IReadOnlyList<RowRead> reads);

    /// <summary>Whether a statement failed because a row exists already.</summary>
    public abstract bool IsDuplicate(Exception failure);

    /// <summary>Whether a write that failed like this may have happened nevertheless.</summary>
    public abstract bool IsOutcomeUnknown(Exception failure);

    /// <summary>Whether a statement failed because a row references another that is missing, such as a destroyed KEK.</summary>
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
#pragma warning disable CA2100 // Every text is a constant of this assembly; only parameters vary.
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
