using System.Diagnostics.Metrics;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Cluster;

/// <summary>
/// Makes a request's failed calls again while its deadline lasts, where <see cref="Repetition"/> allows it, and gives calls of
/// the data plane little time each. Only in a process of its own: in a silo the grains need no way that could fail.
/// </summary>
internal sealed class RepeatedCalls(ClusterLink link, GatewayOptions options, TimeProvider time) : IOutgoingGrainCallFilter
{
    /// <summary>The meter of this service's own metrics.</summary>
    public const string MeterName = "OrleansKms";

    /// <summary>How long a data-plane call may take before it is made again.</summary>
    public static readonly TimeSpan DataPlanePatience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _longestPause = TimeSpan.FromMilliseconds(250);
    private static readonly Counter<long> _repeated = new Meter(MeterName).CreateCounter<long>(
        "repeated_calls", description: "Calls that this gateway made again, by what had become of them.");

    private readonly TimeSpan _patience = options.RequestTimeout < DataPlanePatience ? options.RequestTimeout : DataPlanePatience;

    /// <inheritdoc/>
    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        var isDataPlane = context.Request is OperationRequestBase { Operation.IsDataPlane: true };
        if (isDataPlane) ((OperationRequestBase)context.Request).ResponseTimeout = _patience;
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
            // Jitter of half a pause, so that requests that failed together do not come back together.
            var wait = pause * (0.5 + (Random.Shared.NextDouble() / 2));
            if (!await link.IsConnectedSoon(request.Remaining) || request.Remaining <= wait) break;
            await Task.Delay(wait, time);
            _repeated.Add(1, new KeyValuePair<string, object?>("reason", failure is TimeoutException ? "timeout" : "rejected"));
            try
            {
                // Orleans lets a filter invoke a call again: it only counts how deep in the chain of filters it is.
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
