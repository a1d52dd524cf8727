using OpenTelemetry.Trace;

namespace OrleansKms.Gateway.Observability;

/// <summary>
/// Lets a trace begin only with a request. Orleans would also begin one for each call that silos make by themselves, of which there are
/// thousands an hour and which tell nobody anything.
/// </summary>
/// <param name="sampler">Decides about requests, and about what belongs to a trace already.</param>
internal sealed class RequestsOnly(Sampler sampler) : Sampler
{
    /// <summary>The tag that the span of a request has from its beginning, and no other.</summary>
    public const string RequestTag = "http.request.method";

    /// <inheritdoc/>
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
        samplingParameters.ParentContext.TraceId == default && !IsRequest(samplingParameters.Tags)
            ? new(SamplingDecision.Drop)
            : sampler.ShouldSample(samplingParameters);

    private static bool IsRequest(IEnumerable<KeyValuePair<string, object?>>? tags)
    {
        foreach (var tag in tags ?? [])
        {
            if (tag.Key == RequestTag) return true;
        }

        return false;
    }
}
