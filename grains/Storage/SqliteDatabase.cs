using System.Data.Common;
using DbUp;
using DbUp.Builder;
using Microsoft.Data.Sqlite;
using OrleansKms.Files;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// The embedded database of the all-in-one service: one file in the data directory, which a lock reserves for one process. SQLite
/// has one writer and its calls block, so writes queue in an asynchronous gate, and no call runs on the grain scheduler or in the thread pool.
/// </summary>
internal sealed class SqliteDatabase : Database
{
    /// <summary>The file name of the database in the data directory.</summary>
    public const string FileName = "kms.db";

    private const string LockFileName = "kms.lock";
    private const string RoomFileName = "kms.room";

    // EWOULDBLOCK of Linux and of macOS, and ERROR_SHARING_VIOLATION of Windows.
    private static readonly int[] _isLocked = [11, 35, unchecked((int)0x80070020)];

    // How long erased or rewritten data may stay in the file of the write-ahead log.
    private static readonly TimeSpan _logPatience = TimeSpan.FromMinutes(1);

    private readonly string _directory;
    private readonly string _file;
    private readonly SqliteConnections _connections;
    private readonly SqliteRows _rows;
    private readonly SqliteRowReads _rowReads;
    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly SqliteThread _writing = new("sqlite writes");
    private readonly SqliteThread _rowReading = new("sqlite rows");
    private readonly ITimer _logTimer;
    private int _isLogToBeEmptied;
    private FileStream? _lock;

    /// <summary>Sets up the database; touches nothing yet.</summary>
    public SqliteDatabase(string directory, TimeProvider time)
    {
        _logTimer = time.CreateTimer(_ => _ = EmptyLog(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _directory = Path.GetFullPath(directory);
        _file = Path.Combine(_directory, FileName);
        _connections = new SqliteConnections(new SqliteConnectionStringBuilder
        {
            DataSource = _file,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = true,
            DefaultTimeout = 5,
        }.ConnectionString);
        _rows = new(_connections);
        _rowReads = new(_connections);
    }

    /// <inheritdoc/>
    public override string Invariant => "System.Data.SQLite";

    /// <inheritdoc/>
    public override DbDataSource Connections => _connections;

    /// <inheritdoc/>
    public override string MigrationFolder => "sqlite";

    /// <inheritdoc/>
    public override string LiveRows => "tombstone = 0";

    /// <inheritdoc/>
    public override string Probe => "SELECT count(*) > 0 FROM okms_schema";

    /// <inheritdoc/>
    public override Task RequireRoom(CancellationToken cancellationToken) =>
        Task.Run(() => DiskRoom.Require(Path.Combine(_directory, RoomFileName)), cancellationToken);

    /// <inheritdoc/>
    public override string Explain(Exception failure) => $"{_file}: {base.Explain(failure)}";

    /// <inheritdoc/>
    public override bool IsShared => false;

    /// <inheritdoc/>
    public override string LiveSilos => "@seconds IS NOT NULL";

    /// <inheritdoc/>
    public override Task<T> WhenReachable<T>(Func<Task<T>> attempt, CancellationToken cancellationToken) => attempt();

    /// <inheritdoc/>
    public override Task<bool> MayMigrate(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <inheritdoc/>
    public override UpgradeEngineBuilder Migrations => DeployChanges.To
        .SqliteDatabase(new SqliteConnectionStringBuilder(_connections.ConnectionString) { ForeignKeys = true, Pooling = false }.ConnectionString)
        .JournalToSqliteTable("okms_migration");

    /// <inheritdoc/>
    public override async Task Prepare(CancellationToken cancellationToken)
    {
        try
        {
            PrivateFile.PrepareDirectory(_directory);
            _lock ??= Lock();
            DiskRoom.Require(Path.Combine(_directory, RoomFileName));

            // SQLite creates its other files with the mode of this one.
            PrivateFile.EnsureExists(_file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The data directory {_directory} cannot be used: {e.Message}", e);
        }

        await using var connection = await Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("PRAGMA journal_mode = WAL");
        if (await command.ExecuteScalarAsync(cancellationToken) is not "wal")
        {
            throw new StartRefusedException($"{_file} cannot be used with a write-ahead log on this file system.");
        }
    }

    /// <inheritdoc/>
    public override Task<IAsyncDisposable> LockSchema(CancellationToken cancellationToken) =>
        Task.FromResult<IAsyncDisposable>(new HeldByDirectoryLock());

    /// <inheritdoc/>
    public override Task<IAsyncDisposable?> TryLockResealing(CancellationToken cancellationToken) =>
        Task.FromResult<IAsyncDisposable?>(new HeldByDirectoryLock());

    /// <inheritdoc/>
    public override Task RemoveSilos(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override Task<T> Read<T>(Func<Task<T>> call) => DiskWork.Run(call);

    /// <inheritdoc/>
    public override async Task<T> Write<T>(Func<Task<T>> call)
    {
        await _writer.WaitAsync().ConfigureAwait(false);
        try
        {
            return await _writing.Run(call).ConfigureAwait(false);
        }
        finally
        {
            EmptyLogSoon();
            _writer.Release();
        }
    }

    /// <inheritdoc/>
    public override bool IsOutcomeUnknown(Exception failure) => failure switch
    {
        DatabaseUnreachableException => false,

        // SQLite rolls back what one of these interrupts. Errors that are not listed, such as an I/O error, may come after a
        // commit.
        SqliteException e => e.SqliteErrorCode is not (
            SQLitePCL.raw.SQLITE_ERROR or SQLitePCL.raw.SQLITE_PERM or SQLitePCL.raw.SQLITE_BUSY
            or SQLitePCL.raw.SQLITE_LOCKED or SQLitePCL.raw.SQLITE_READONLY or SQLitePCL.raw.SQLITE_CANTOPEN
            or SQLitePCL.raw.SQLITE_FULL or SQLitePCL.raw.SQLITE_SCHEMA or SQLitePCL.raw.SQLITE_TOOBIG
            or SQLitePCL.raw.SQLITE_CONSTRAINT or SQLitePCL.raw.SQLITE_MISMATCH or SQLitePCL.raw.SQLITE_NOTADB),
        _ => true,
    };

    /// <inheritdoc/>
    public override int RowLanes => 1;

    /// <inheritdoc/>
    public override Task WriteRows(string serviceId, IReadOnlyList<RowWrite> writes)
    {
        _rows.Write(serviceId, writes);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override int ReadLanes => 1;

    /// <inheritdoc/>
    public override Task ReadRows(string serviceId, IReadOnlyList<RowRead> reads) => _rowReading.Run(() =>
    {
        _rowReads.Read(serviceId, reads);
        return Task.FromResult(true);
    });

    /// <inheritdoc/>
    public override bool IsDuplicate(Exception failure) => failure is SqliteException
    {
        SqliteExtendedErrorCode: SQLitePCL.raw.SQLITE_CONSTRAINT_PRIMARYKEY or SQLitePCL.raw.SQLITE_CONSTRAINT_UNIQUE,
    };

    /// <inheritdoc/>
    public override bool IsMissingReference(Exception failure) =>
        failure is SqliteException { SqliteExtendedErrorCode: SQLitePCL.raw.SQLITE_CONSTRAINT_FOREIGNKEY };

    /// <inheritdoc/>
    public override void Dispose()
    {
        _logTimer.Dispose();
        if (!_writer.Wait(TimeSpan.FromSeconds(5)))
        {
            // A write hangs in the disk. Its connection and the lock of the directory end with the process.
            return;
        }

        _writing.Dispose();
        _rowReading.Dispose();

        _rows.Dispose();
        _rowReads.Dispose();

        // Connections first: the last one to close writes the log back into the file, still under the lock.
        _connections.Dispose();
        _lock?.Dispose();
        _writer.Dispose();
    }

    private void EmptyLogSoon()
    {
        if (Interlocked.CompareExchange(ref _isLogToBeEmptied, 1, 0) == 0)
        {
            _logTimer.Change(_logPatience, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>
    /// Writes the log back into the file and empties it, so that no erased data stays in it. Does not wait for readers: if one is
    /// in the way, it retries later.
    /// </summary>
    private async Task EmptyLog()
    {
        Volatile.Write(ref _isLogToBeEmptied, 0);
        try
        {
            await _writer.WaitAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            return;
        }

        try
        {
            if (!await _writing.Run(() => Task.FromResult(TryEmptyLog())).ConfigureAwait(false))
            {
                EmptyLogSoon();
            }
        }
        catch (Exception e) when (e is SqliteException or DatabaseUnreachableException)
        {
            // The next write reports what is wrong with the database.
            EmptyLogSoon();
        }
        finally
        {
            _writer.Release();
        }
    }

    private bool TryEmptyLog()
    {
        using var connection = _connections.OpenConnection();
        using var impatient = connection.Command("PRAGMA busy_timeout = 0");
        impatient.ExecuteNonQuery();
        try
        {
            using var checkpoint = connection.Command("PRAGMA wal_checkpoint(TRUNCATE)");

            // Its first column says whether another connection was in the way.
            return checkpoint.ExecuteScalar() is 0L;
        }
        finally
        {
            // Whoever gets this handle from the pool must wait again.
            using var patient = connection.Command(SqliteConnections.Patience);
            patient.ExecuteNonQuery();
        }
    }

    private FileStream Lock()
    {
        try
        {
            return PrivateFile.OpenExclusive(Path.Combine(_directory, LockFileName));
        }
        catch (IOException e) when (_isLocked.Contains(e.HResult))
        {
            throw new StartRefusedException($"Another process uses the data directory {_directory}. Stop it first.", e);
        }
    }

    private sealed class HeldByDirectoryLock : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
