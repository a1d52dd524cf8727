namespace OrleansKms.Silo.Hosting;

/// <summary>
/// The dashboard's own collection of Orleans' metrics, every second, for the counters on its pages. It reserves 20 MB, so it begins when
/// somebody first opens a page. Only for a silo by itself: in a cluster, each silo collects for whichever of them shows the page.
/// </summary>
internal static class LateDashboardTelemetry
{
    private const string Collector = "Orleans.Dashboard.DashboardHost";

    /// <summary>Takes it out of what starts with the silo.</summary>
    /// <param name="services">The silo's services, with the dashboard just added.</param>
    public static void Defer(IServiceCollection services)
    {
        if (services.FirstOrDefault(service => service.ServiceType.FullName == Collector) is not { ServiceType: var type }) return;
        services.AddSingleton(provider => new Deferred((ILifecycleParticipant<ISiloLifecycle>)provider.GetRequiredService(type)));
        foreach (var added in services.Where(service => service.ServiceType == typeof(ILifecycleParticipant<ISiloLifecycle>)).ToList())
        {
            if (added.ImplementationFactory is not { } make) continue;
            services.Remove(added);
            services.Add(new ServiceDescriptor(
                added.ServiceType, provider => make(provider) is var participant && type.IsInstanceOfType(participant) ? new Nothing() : participant, added.Lifetime));
        }
    }

    /// <summary>Begins it, as the silo's start would have; once.</summary>
    /// <param name="provider">The silo's services.</param>
    public static void Begin(IServiceProvider provider)
    {
        if (provider.GetService<Deferred>() is not { } deferred || deferred.HasBegun()) return;
        var start = new Start();
        deferred.Participant.Participate(start);
        // It only builds a collector, and waits for nothing.
        foreach (var observer in start.Observers) observer.OnStart().GetAwaiter().GetResult();
    }

    /// <summary>What begins later.</summary>
    private sealed class Deferred(ILifecycleParticipant<ISiloLifecycle> participant)
    {
        private bool _hasBegun;

        public ILifecycleParticipant<ISiloLifecycle> Participant => participant;

        /// <summary>Whether this was asked before.</summary>
        public bool HasBegun() => Interlocked.Exchange(ref _hasBegun, true);
    }

    /// <summary>Takes no part.</summary>
    private sealed class Nothing : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle observer)
        {
            // What it stands for begins later.
        }
    }

    /// <summary>A start of one participant alone.</summary>
    private sealed class Start : ISiloLifecycle, IDisposable
    {
        public List<ILifecycleObserver> Observers { get; } = [];

        public int HighestCompletedStage => int.MaxValue;

        public int LowestStoppedStage => int.MaxValue;

        public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
        {
            Observers.Add(observer);
            return this;
        }

        public void Dispose()
        {
            // A subscriber ends its subscription by itself, when it has started.
        }
    }
}
