using Microsoft.Extensions.Hosting;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Makes storage ready before anything else starts: the database, its schema, the KEK ring. It is a
/// <see cref="IHostedLifecycleService"/> because what these do while starting comes before the silo and its providers,
/// whatever the order of registration.
/// </summary>
internal sealed class StorageStart(Database database, SchemaMigrations migrations, KekRing ring, SiloPresence presence)
    : IHostedLifecycleService
{
    /// <inheritdoc/>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.Prepare(cancellationToken);
            await using var schema = await database.LockSchema(cancellationToken);
            await migrations.Apply(cancellationToken);
            await ring.Open(cancellationToken);
            await presence.Enter(cancellationToken);
        }
        catch (Exception e) when (e is not (StartRefusedException or OperationCanceledException))
        {
            var cause = e is DatabaseUnreachableException { InnerException: { } inner } ? inner : e;
            throw new StartRefusedException($"Storage cannot be opened: {cause.Message}", e);
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
