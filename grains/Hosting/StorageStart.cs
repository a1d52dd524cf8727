using Microsoft.Extensions.Hosting;
using OrleansKms.Grains.Presence;

namespace OrleansKms.Grains.Hosting;

/// <summary>
/// Makes the storage ready before anything else starts: the database, its schema, the KEK ring. It is an
/// <see cref="IHostedLifecycleService"/> because the starting phase of these comes before the silo and its providers, whatever
/// the order of registration.
/// </summary>
public sealed class StorageStart : IHostedLifecycleService
{
    private readonly StorageOpening _opening;
    private readonly SiloPresence _presence;
    private Task? _opened;

    internal StorageStart(StorageOpening opening, SiloPresence presence) => (_opening, _presence) = (opening, presence);

    /// <summary>
    /// Begins before the host does, so that the rest of the silo can be built in the meantime. <see cref="StartingAsync"/>
    /// reports the outcome.
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
