using System.Buffers;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operation;
using OrleansKms.Gateway.Security;

namespace OrleansKms.Gateway.Http;

/// <summary>What handlers need, gathered once, so that no request looks anything up in the container.</summary>
internal sealed class GatewayServices(
    GatewayOptions options, IServiceProvider provider, ClusterLink link, IAccessPolicy access, SizeLimits limits, HealthProbe health,
    ReferenceDocument document, TimeProvider time, ILogger<GatewayServices> log)
{
    public GatewayOptions Options { get; } = options;

    /// <summary>The grains. These and the references are made with Orleans, at the first use: the web server starts before it.</summary>
    public IGrainFactory Grains => field ??= provider.GetRequiredService<IGrainFactory>();

    public GrainReferences<IKeyGrain> Keys => field ??= provider.GetRequiredService<GrainReferences<IKeyGrain>>();

    public GrainReferences<IAliasGrain> Aliases => field ??= provider.GetRequiredService<GrainReferences<IAliasGrain>>();

    public GrainReferences<IReencryptionGrain> Reencryption => field ??= provider.GetRequiredService<GrainReferences<IReencryptionGrain>>();

    public GrainReferences<IRandomGrain> Random => field ??= provider.GetRequiredService<GrainReferences<IRandomGrain>>();

    public ClusterLink Link { get; } = link;

    public IAccessPolicy Access { get; } = access;

    public SizeLimits Limits { get; } = limits;

    public HealthProbe Health { get; } = health;

    public ReferenceDocument Document { get; } = document;

    public TimeProvider Time { get; } = time;

    /// <summary>Where memory for bodies and answers is borrowed. It goes back zeroed.</summary>
    public ArrayPool<byte> Pool { get; init; } = ArrayPool<byte>.Shared;

    /// <summary>Logs a failure that nobody expected and that the answer shows only as <c>internal</c>.</summary>
    public void LogDefect(Exchange exchange, Exception exception) =>
        RequestLog.Defect(log, exchange.RequestId, exchange.Route?.Pattern, exception);
}
