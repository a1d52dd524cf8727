using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Hosting;

/// <summary>
/// Storage for a command: a process that has a silo's services but starts no silo, so it joins no cluster, opens no port and
/// activates no grain.
/// </summary>
public sealed class StorageSession
{
    private readonly IServiceProvider _services;
    private readonly StorageOpening _opening;

    internal StorageSession(IServiceProvider services, StorageOpening opening)
    {
        _services = services;
        _opening = opening;
    }

    /// <summary>
    /// Migrates the schema, opens the KEK ring and makes rows readable and writable. Until the result is disposed no silo starts
    /// and no other command runs.
    /// </summary>
    /// <exception cref="StartRefusedException">A step failed; the message is for the operator.</exception>
    public async Task<IAsyncDisposable> Open(CancellationToken cancellationToken)
    {
        var schema = await _opening.OpenLocked(cancellationToken);
        try
        {
            // The provider reads its queries when a silo starts; here only the provider does.
            var lifecycle = ActivatorUtilities.CreateInstance<SiloLifecycleSubject>(_services);
            var rows = (ILifecycleParticipant<ISiloLifecycle>)_services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Raw);
            rows.Participate(lifecycle);
            await lifecycle.OnStart(cancellationToken);
            return schema;
        }
        catch
        {
            await schema.DisposeAsync();
            throw;
        }
    }

    /// <summary>Migrates the schema, which needs no root key.</summary>
    /// <exception cref="StartRefusedException">A step failed; the message is for the operator.</exception>
    public Task Migrate(CancellationToken cancellationToken) => _opening.Migrate(cancellationToken);
}
