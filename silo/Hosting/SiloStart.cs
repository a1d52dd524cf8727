using System.Runtime.ExceptionServices;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Observability;
using OrleansKms.Grains.Hosting;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>
/// Starts everything behind the web server once that listens: storage, the silo, and what watches them. So probes are answered
/// from the first moment, and requests get 503 <c>unavailable</c> until everything is up. The order is the host's own:
/// StartingAsync of all, then StartAsync and StartedAsync, in the order of registration; and backwards at a stop. A refused start
/// stops the host, whose stop then throws the reason.
/// </summary>
internal sealed partial class SiloStart(
    IServiceProvider provider, Settings settings, StorageProgress storage, ClusterLink link, IHostApplicationLifetime lifetime,
    ILogger<SiloStart> log) : IHostedLifecycleService, IStartProgress
{
    private readonly List<IHostedService> _started = [];
    private IReadOnlyList<IHostedService> _services = [];
    private bool _isStorageOpen;
    private ExceptionDispatchInfo? _failure;
    private Task _starting = Task.CompletedTask;

    /// <inheritdoc/>
    public StartStep Step => storage.Step switch
    {
        StorageStep.Database => StartStep.Database,
        StorageStep.Hsm => StartStep.Hsm,
        _ => StartStep.Cluster,
    };

    /// <inheritdoc/>
    public bool HasHsm => settings.Hsm is not null;

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The web server is listening.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _starting = Task.Run(StartAll, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Anything that has not started by now is abandoned: the process is stopping.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken);
        await Backwards<IHostedLifecycleService>(_started, service => service.StoppingAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) =>
        Backwards<IHostedService>(_started, service => service.StopAsync(cancellationToken));

    /// <inheritdoc/>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_isStorageOpen) await Backwards<IHostedLifecycleService>(_services, service => service.StoppedAsync(cancellationToken));
        _failure?.Throw();
    }

    private async Task StartAll()
    {
        try
        {
            // Services link their own token to the one that starts them; it must not fire after they have started.
            using var starting = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
            await StartAll(starting.Token);
            link.SiloHasStarted();
            LogStarted(log);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop while still starting: the start is abandoned.
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
            lifetime.StopApplication();
        }
    }

    private async Task StartAll(CancellationToken cancellationToken)
    {
        // Building the silo's parts and opening the storage take half of the start's time each, and neither needs the other.
        provider.GetRequiredService<StorageStart>().Begin(cancellationToken);
        _services = [.. provider.GetKeyedServices<IHostedService>(SiloStartExtensions.BehindServer)];
        var lifecycle = _services.OfType<IHostedLifecycleService>().ToList();
        foreach (var service in lifecycle) await service.StartingAsync(cancellationToken);
        _isStorageOpen = true;
        foreach (var service in _services)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await service.StartAsync(cancellationToken);
            _started.Add(service);
            if (service is BackgroundService { ExecuteTask: { } work }) _ = Watch(service, work);
        }

        foreach (var service in lifecycle) await service.StartedAsync(cancellationToken);
    }

    // As the host does: work that ends with an exception ends the process.
    private async Task Watch(IHostedService service, Task work)
    {
        try
        {
            await work;
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // The process is stopping.
        }
        catch (Exception e)
        {
            LogFailed(log, service.GetType().Name, e);
            lifetime.StopApplication();
        }
    }

    /// <summary>Gives every service its turn, the last one first, and throws the first exception.</summary>
    private static async Task Backwards<T>(IReadOnlyList<IHostedService> services, Func<T, Task> step)
    {
        Exception? failure = null;
        foreach (var service in services.OfType<T>().Reverse())
        {
            try
            {
                await step(service);
            }
            catch (Exception e)
            {
                failure ??= e;
            }
        }

        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    [LoggerMessage(2, LogLevel.Information, "The silo has started: requests are served.")]
    private static partial void LogStarted(ILogger log);

    [LoggerMessage(1, LogLevel.Critical, "{Service} has failed, and the process stops.")]
    private static partial void LogFailed(ILogger log, string service, Exception exception);
}

/// <summary>Puts a silo behind the web server.</summary>
internal static class SiloStartExtensions
{
    /// <summary>The service key of the hosted services that start once the web server listens.</summary>
    public const string BehindServer = "okms.behind-server";

    /// <summary>Adds the silo; the hosted services that come with it start once the web server listens.</summary>
    public static void StartBehindServer(this WebApplicationBuilder builder, Settings settings, Action<ISiloBuilder> configure)
    {
        var services = builder.Services;
        var before = services.Where(IsHosted).ToHashSet();
        builder.UseOrleans(configure);
        foreach (var service in services.Where(service => IsHosted(service) && !before.Contains(service)).ToList())
        {
            services.Remove(service);
            services.Add(Behind(service));
        }

        services.AddSingleton(settings);
        services.AddSingleton(ClusterLink.OfStartingSilo());
        services.AddSingleton<SiloStart>();
        services.AddSingleton<IStartProgress>(provider => provider.GetRequiredService<SiloStart>());
        services.AddHostedService(provider => provider.GetRequiredService<SiloStart>());
    }

    private static bool IsHosted(ServiceDescriptor service) => service.ServiceType == typeof(IHostedService) && !service.IsKeyedService;

    private static ServiceDescriptor Behind(ServiceDescriptor service) => service switch
    {
        { ImplementationFactory: { } make } => ServiceDescriptor.KeyedSingleton(typeof(IHostedService), BehindServer, (provider, _) => make(provider)),
        { ImplementationType: { } type } => ServiceDescriptor.KeyedSingleton(typeof(IHostedService), BehindServer, type),
        _ => ServiceDescriptor.KeyedSingleton(typeof(IHostedService), BehindServer, service.ImplementationInstance!),
    };
}
