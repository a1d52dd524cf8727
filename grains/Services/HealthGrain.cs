using Orleans.Concurrency;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Services;

/// <summary>Reports what the background probes found.</summary>
[StatelessWorker]
public sealed class HealthGrain(IStorageHealth storage, IClockHealth clock, IRingHealth keks, IHsmHealth? hsm = null, IAuditHealth? audit = null, IHsmSpecs? specs = null) : Grain, IHealthGrain
{
    /// <inheritdoc/>
    public ValueTask<HealthReport> Check(HealthQuery query) =>
        new(new HealthReport(storage.IsHealthy, hsm?.IsHealthy, clock.Problem, hsm?.WhyUnhealthy, keks.Problem, audit?.IsHealthy)
        {
            HsmSpecs = specs is null ? null : [.. specs.Specs],
        });
}
