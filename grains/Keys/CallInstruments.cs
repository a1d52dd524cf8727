using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// Who uses keys: <c>calls_total{principal,operation}</c>, counting calls that arrived (a batch is one) and changes that were
/// made.
/// </summary>
internal static class CallInstruments
{
    private static readonly CallCounts _counts = new(limit: 1000);

    [SuppressMessage("Style", "IDE0052", Justification = "It is read through its meter.")]
    private static readonly ObservableCounter<long> _calls = new Meter(KeyInstruments.MeterName).CreateObservableCounter(
        "calls", _counts.Observe, description: "Calls of keys, by principal and operation.");

    /// <summary>Counts one call.</summary>
    public static void Count(Caller caller, KmsOperation operation) => _counts.Add(caller.Principal, operation);
}

/// <summary>
/// Calls by principal. The first ones are counted separately and the rest as <c>other</c>, since a caller supplies its name
/// itself and could use another each time.
/// </summary>
/// <param name="limit">How many principals are counted separately.</param>
internal sealed class CallCounts(int limit)
{
    private const int MaxNameLength = 128;
    private const string Others = "other";

    private static readonly string[] _labels = [.. KmsOperation.All.Values.Select(o => o.Metric).Distinct()];
    private static readonly int[] _places =
        [.. KmsOperation.All.Values.OrderBy(o => o.Index).Select(o => Array.IndexOf(_labels, o.Metric))];

    private readonly ConcurrentDictionary<string, long[]> _principals = new(StringComparer.Ordinal);
    private readonly long[] _others = new long[_labels.Length];

    /// <summary>Counts one call.</summary>
    /// <param name="principal">The caller's name; anything.</param>
    /// <param name="operation">The operation.</param>
    public void Add(string principal, KmsOperation operation) => Interlocked.Increment(ref CountsOf(principal)[_places[operation.Index]]);

    /// <summary>All figures.</summary>
    public IEnumerable<Measurement<long>> Observe()
    {
        foreach (var (principal, counts) in _principals)
        {
            foreach (var measurement in Observe(principal, counts)) yield return measurement;
        }

        foreach (var measurement in Observe(Others, _others)) yield return measurement;
    }

    private static IEnumerable<Measurement<long>> Observe(string principal, long[] counts)
    {
        for (var i = 0; i < counts.Length; i++)
        {
            var count = Volatile.Read(ref counts[i]);
            if (count > 0) yield return new(count, new("principal", principal), new("operation", _labels[i]));
        }
    }

    private long[] CountsOf(string principal)
    {
        if (principal is Others or { Length: 0 or > MaxNameLength }) return _others;
        if (_principals.TryGetValue(principal, out var counts)) return counts;
        // Two at once may admit one too many, which is harmless.
        return _principals.Count < limit ? _principals.GetOrAdd(principal, _ => new long[_labels.Length]) : _others;
    }
}
