using System.Diagnostics.Metrics;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// Requests that were answered with an error: <c>failed_requests_total{code}</c>. It tells what was over a limit from what was overloaded and
/// what could not be recorded, for which the platform's own metrics have one status. The codes are those of <see cref="KmsError"/>, so there
/// are a few dozen series.
/// </summary>
internal static class FailedRequests
{
    private static readonly Counter<long> _failed = new Meter(RepeatedCalls.MeterName).CreateCounter<long>(
        "failed_requests", description: "Requests answered with an error, or that an approval is pending, by the code.");

    /// <summary>Counts one.</summary>
    /// <param name="code">The error's code.</param>
    public static void Count(string code) => _failed.Add(1, new KeyValuePair<string, object?>("code", code));
}
