using System.Buffers;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operation;
using OrleansKms.Gateway.Security;

namespace OrleansKms.Gateway.Http;

/// <summary>What handlers need, gathered once, so that no request looks anything up in the container.</summary>
internal sealed class GatewayServices(
    GatewayOptions options, IGrainFactory grains, GrainReferences<IKeyGrain> keys, GrainReferences<IAliasGrain> aliases,
    GrainReferences<IReencryptionGrain> reencryption, GrainReferences<IRandomGrain> random, ClusterLink link,
    IAccessPolicy access, SizeLimits limits, HealthProbe health, ReferenceDocument document, TimeProvider time,
    ILogger<GatewayServices> log)
{
    public GatewayOptions Options { get; } = options;

    public IGrainFactory Grains { get; } = grains;

    public GrainReferences<IKeyGrain> Keys { get; } = keys;

    public GrainReferences<IAliasGrain> Aliases { get; } = aliases;

    public GrainReferences<IReencryptionGrain> Reencryption { get; } = reencryption;

    public GrainReferences<IRandomGrain> Random { get; } = random;

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
