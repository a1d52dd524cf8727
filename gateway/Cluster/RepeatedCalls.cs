using System.Diagnostics.Metrics;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Cluster;

/// <summary>
/// Retries a request's failed calls while its deadline lasts, where <see cref="Repetition"/> allows it, and gives each data-plane
/// call little time. Only in a separate process: in a silo there is no network between the gateway and the grains.
/// </summary>
internal sealed class RepeatedCalls(ClusterLink link, GatewayOptions options, TimeProvider time) : IOutgoingGrainCallFilter
{
    /// <summary>The meter of this service's own metrics.</summary>
    public const string MeterName = "OrleansKms";

    /// <summary>How long a data-plane call may take before it is retried.</summary>
    public static readonly TimeSpan DataPlanePatience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _longestPause = TimeSpan.FromMilliseconds(250);
    private static readonly Counter<long> _repeated = new Meter(MeterName).CreateCounter<long>(
        "repeated_calls", description: "Calls that this gateway retried, by how they had failed.");

    private readonly TimeSpan _patience = options.RequestTimeout < DataPlanePatience ? options.RequestTimeout : DataPlanePatience;

    /// <inheritdoc/>
    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        var isDataPlane = context.Request is OperationRequestBase { Operation.IsDataPlane: true };
        if (isDataPlane && !((OperationRequestBase)context.Request).Operation.MayTakeLong) ((OperationRequestBase)context.Request).ResponseTimeout = _patience;
        try
        {
            await context.Invoke();
        }
        catch (Exception e) when (RequestTime.Current is not null && Repetition.IsWorthIt(e, isDataPlane))
        {
            await Repeat(context, RequestTime.Current, isDataPlane, e);
        }
    }

    private async Task Repeat(IOutgoingGrainCallContext context, RequestTime request, bool isDataPlane, Exception failure)
    {
        for (var pause = _firstPause; ; pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
        {
            // Jitter of half a pause, so that requests that failed together do not retry together.
            var wait = pause * (0.5 + (Random.Shared.NextDouble() / 2));
            if (!await link.IsConnectedSoon(request.Remaining) || request.Remaining <= wait) break;
            await Task.Delay(wait, time);
            _repeated.Add(1, new KeyValuePair<string, object?>("reason", failure is TimeoutException ? "timeout" : "rejected"));
            try
            {
                // Orleans lets a filter invoke a call again: it only counts the depth in the chain of filters.
                await context.Invoke().WaitAsync(request.Remaining, time);
                return;
            }
            catch (Exception e) when (Repetition.IsWorthIt(e, isDataPlane))
            {
                failure = e;
            }
        }

        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }
}
