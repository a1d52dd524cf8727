using Microsoft.Extensions.Hosting;
using OrleansKms.Grains.Presence;

namespace OrleansKms.Grains.Hosting;

/// <summary>
/// Makes storage ready before anything else starts: the database, its schema, the KEK ring. It is a
/// <see cref="IHostedLifecycleService"/> because what these do while starting comes before the silo and its providers,
/// whatever the order of registration.
/// </summary>
public sealed class StorageStart : IHostedLifecycleService
{
    private readonly StorageOpening _opening;
    private readonly SiloPresence _presence;
    private Task? _opened;

    internal StorageStart(StorageOpening opening, SiloPresence presence) => (_opening, _presence) = (opening, presence);

    /// <summary>
    /// Begins before the host does, so that the rest of the silo can be made meanwhile. What comes of it is told by
    /// <see cref="StartingAsync"/>.
    /// </summary>
    public void Begin(CancellationToken cancellationToken) =>
        _opened = Task.Run(() => _opening.Open(_presence, cancellationToken), CancellationToken.None);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => _opened ?? _opening.Open(_presence, cancellationToken);

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
