using System.Data.Common;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>
/// The working state of a command that changes roots, in a process that is not a silo: the database, under the lock that silos'
/// starts and KEK rotations also take, and the places of roots. Disposing it releases the lock.
/// </summary>
internal sealed class RootSession : IAsyncDisposable
{
    private readonly Database _database;
    private readonly SiloRegistry _silos;
    private IAsyncDisposable? _schema;

    private RootSession(KmsStorageOptions options, OtherRootOptions? other, TimeProvider time, ILoggerFactory loggers)
    {
        _database = Database.Of(options, time, loggers);
        _silos = new SiloRegistry(_database);
        Records = new RootRecords(_database, time);
        var roots = new HsmRootStore(_database, time);
        Own = RootPlace.Own(options, roots, time, loggers);
        Other = other is null ? null : RootPlace.Other(other, roots, time, loggers);
    }

    /// <summary>The tables.</summary>
    public RootRecords Records { get; }

    /// <summary>The place of the silos' root, as the settings name it.</summary>
    public RootPlace Own { get; }

    /// <summary>The place of another root; null where the settings name none.</summary>
    public RootPlace? Other { get; }

    /// <summary>All KEKs, read under the lock.</summary>
    public IReadOnlyList<WrappedKek> Keks { get; private set; } = [];

    /// <summary>All roots, read under the lock.</summary>
    public IReadOnlyList<RootRecord> Roots { get; private set; } = [];

    /// <summary>What each root vouches for, by its id; read under the lock.</summary>
    public IReadOnlyDictionary<string, StoredManifest> Manifests { get; private set; } = new Dictionary<string, StoredManifest>();

    /// <summary>The restore epoch.</summary>
    public int Epoch { get; private set; }

    /// <summary>The silos that may run; none with an embedded database, whose directory this process has locked.</summary>
    public IReadOnlyList<LiveSilo> Silos { get; private set; } = [];

    /// <summary>Opens a session, runs some work in it, and closes it.</summary>
    /// <exception cref="StartRefusedException">It failed; the message is for the operator.</exception>
    public static async Task<T> Run<T>(
        KmsStorageOptions options, OtherRootOptions? other, TimeProvider time, ILoggerFactory loggers,
        Func<RootSession, Task<T>> work, CancellationToken cancellationToken)
    {
        options.Validate();
        RefuseToMakeADatabase(options);
        await using var session = new RootSession(options, other, time, loggers);
        try
        {
            await session.Open(loggers, cancellationToken);
            return await work(session);
        }
        catch (KmsException e) when (e.Code == KmsError.HsmUnavailable.Code)
        {
            throw new StartRefusedException($"The HSM did not do it, and nothing was changed: {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (Exception e) when (e is DbException or DatabaseUnreachableException)
        {
            var cause = e is DatabaseUnreachableException { InnerException: { } inner } ? inner : e;
            throw new StartRefusedException($"The database failed: {cause.Message} Look at okms root list, and run the command again.", e);
        }
    }

    /// <summary>Finds the root with an id, in the places that the settings name.</summary>
    /// <exception cref="StartRefusedException">It is in neither place.</exception>
    public async Task<IRootKey> Find(string rootId, CancellationToken cancellationToken) =>
        (Other is null ? null : await Other.Find(rootId, cancellationToken)) ?? await Own.Find(rootId, cancellationToken)
            ?? throw NotFound(rootId);

    /// <summary>Throws because a root is not where the settings lead to.</summary>
    public StartRefusedException NotFound(string rootId) => new(
        $"The root key {rootId} is not where {Own.Setting}{(Other is null ? "" : " or " + Other.Setting)} leads to ({string.Join(", ", new[] { Own, Other }.Where(p => p is not null).Select(p => p!.Description))})."
        + (Other is null ? " Name its place by OKMS_OTHER_HSM_ADDRESS or OKMS_OTHER_ROOT_KEY_FILE." : ""));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Other?.Dispose();
        Own.Dispose();
        if (_schema is not null)
        {
            try
            {
                await _schema.DisposeAsync();
            }
            catch (DbException)
            {
                // The lock fell with its connection.
            }
        }

        _database.Dispose();
    }

    private async Task Open(ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        await _database.Prepare(cancellationToken);
        _schema = await _database.LockSchema(cancellationToken);
        await SchemaMigrations.Of(_database, loggers).RequireApplied(cancellationToken);
        Keks = await Records.ReadKeks(cancellationToken);
        Roots = await Records.ReadRoots(cancellationToken);
        Manifests = await Records.ReadManifests(cancellationToken);
        Epoch = (await new RestoreEpochStore(_database).Read(cancellationToken)).Number;
        Silos = _database.IsShared ? await _silos.ReadLive(cancellationToken) : [];
        if (Keks.Count == 0)
        {
            throw new StartRefusedException("The database has no key-encryption key yet. Start a silo with the root key that it is to have.");
        }
    }

    private static void RefuseToMakeADatabase(KmsStorageOptions options)
    {
        var file = Path.Combine(Path.GetFullPath(options.DataDirectory), SqliteDatabase.FileName);
        if (options.IsEmbedded && !File.Exists(file))
        {
            throw new StartRefusedException($"There is no database {file}. Name the data directory by OKMS_DATA_DIR, or the cluster's database by DATABASE_URL.");
        }
    }
}
