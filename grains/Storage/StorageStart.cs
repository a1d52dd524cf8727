using Microsoft.Extensions.Hosting;
using OrleansKms.Grains.Presence;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Makes storage ready before anything else starts: the database, its schema, the KEK ring. It is a
/// <see cref="IHostedLifecycleService"/> because what these do while starting comes before the silo and its providers,
/// whatever the order of registration.
/// </summary>
internal sealed class StorageStart(StorageOpening opening, SiloPresence presence) : IHostedLifecycleService
{
    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => opening.Open(presence, cancellationToken);

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
