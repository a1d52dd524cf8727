using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operation;
using OrleansKms.Gateway.Security;

namespace OrleansKms.Gateway.Http;

/// <summary>What handlers need, gathered once, so that no request looks anything up in the container.</summary>
internal sealed class GatewayServices(
    GatewayOptions options, IGrainFactory grains, ClusterLink link, IAccessPolicy access, SizeLimits limits, HealthProbe health,
    ReferenceDocument document, TimeProvider time, ILogger<GatewayServices> log)
{
    public GatewayOptions Options { get; } = options;

    public IGrainFactory Grains { get; } = grains;

    public ClusterLink Link { get; } = link;

    public IAccessPolicy Access { get; } = access;

    public SizeLimits Limits { get; } = limits;

    public HealthProbe Health { get; } = health;

    public ReferenceDocument Document { get; } = document;

    public TimeProvider Time { get; } = time;

    /// <summary>Logs a failure that nobody expected and that the answer shows only as <c>internal</c>.</summary>
    public void LogDefect(Exchange exchange, Exception exception) =>
        RequestLog.Defect(log, exchange.RequestId, exchange.Route?.Pattern, exception);
}
