using System.Data.Common;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Hosting;

/// <summary>What must happen, in this order and in one process at a time, before anything may be read or written.</summary>
internal sealed class StorageOpening(
    Database database, SchemaMigrations migrations, KekRing ring, RestoreEpochStore epochs, CurrentEpoch epoch, KmsStorageOptions options,
    SystemEvents events, StorageProgress progress)
{
    /// <summary>
    /// Migrates the schema, opens the KEK ring, writes the silo's first heartbeat, and lets the next process in.
    /// </summary>
    /// <exception cref="StartRefusedException">A step failed; the message is for the operator.</exception>
    public async Task Open(SiloPresence presence, CancellationToken cancellationToken)
    {
        await using var schema = await Locked(
            async () =>
            {
                await OpenAll(cancellationToken);
                await events.NoteRoot(ring.RootId, DateTime.UtcNow, cancellationToken);
                await presence.Enter(cancellationToken);
            },
            cancellationToken);
        progress.Step = StorageStep.Open;
    }

    /// <summary>
    /// Migrates the schema, opens the KEK ring, and keeps every other process out until the result is disposed.
    /// </summary>
    public Task<IAsyncDisposable> OpenLocked(CancellationToken cancellationToken) =>
        Locked(() => OpenAll(cancellationToken), cancellationToken);

    /// <summary>Migrates the schema, which needs no root key.</summary>
    public async Task Migrate(CancellationToken cancellationToken)
    {
        await using var schema = await Locked(() => migrations.Apply(cancellationToken), cancellationToken);
    }

    private async Task OpenAll(CancellationToken cancellationToken)
    {
        await migrations.Apply(cancellationToken);
        epoch.Value = await epochs.Read(cancellationToken);
        if (options.Hsm is not null) progress.Step = StorageStep.Hsm;
        await ring.Open(epoch.Value.Number, cancellationToken);
        progress.Step = StorageStep.Database;
    }

    private Task<IAsyncDisposable> Locked(Func<Task> work, CancellationToken cancellationToken) =>
        database.WhenReachable(() => LockedOnce(work, cancellationToken), cancellationToken);

    private async Task<IAsyncDisposable> LockedOnce(Func<Task> work, CancellationToken cancellationToken)
    {
        try
        {
            progress.Step = StorageStep.Database;
            await database.Prepare(cancellationToken);
            var schema = await database.LockSchema(cancellationToken);
            try
            {
                await work();
                return schema;
            }
            catch
            {
                await Release(schema);
                throw;
            }
        }
        catch (KmsException e) when (e.Code == KmsError.HsmUnavailable.Code)
        {
            throw new StartRefusedException($"HSM_ADDRESS: the HSM does not open the key-encryption keys: {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (Exception e) when (e is not (StartRefusedException or OperationCanceledException))
        {
            throw new StartRefusedException($"The storage cannot be opened: {database.Explain(e)}", e);
        }
    }

    // The lock falls with its connection; what matters is why the work failed, not that the lock could not be released.
    private static async Task Release(IAsyncDisposable schema)
    {
        try
        {
            await schema.DisposeAsync();
        }
        catch (Exception e) when (e is DbException or InvalidOperationException)
        {
            // The connection is gone, and the lock with it.
        }
    }
}
