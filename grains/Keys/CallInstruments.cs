using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace OrleansKms.Grains.Keys;

/// <summary>What is counted of a caller.</summary>
internal enum KeyCall
{
    Encrypt,
    Decrypt,
    Rewrap,
    DataKey,
    Change,
}

/// <summary>
/// Who uses keys: <c>calls_total{principal,operation}</c>, of calls that arrived (a batch is one) and of changes that were made.
/// The first <see cref="Limit"/> principals are told apart and the rest are counted as <c>other</c>, since a caller says its
/// name itself and could say another each time.
/// </summary>
internal static class CallInstruments
{
    /// <summary>How many principals are told apart.</summary>
    public const int Limit = 1000;

    private const int LongestName = 128;
    private const string Others = "other";

    private static readonly string[] _operations = ["encrypt", "decrypt", "rewrap", "data_key", "change"];
    private static readonly ConcurrentDictionary<string, long[]> _principals = new(StringComparer.Ordinal);
    private static readonly long[] _others = new long[_operations.Length];
    private static readonly Meter _meter = new(KeyInstruments.MeterName);
    private static readonly ObservableCounter<long> _calls = _meter.CreateObservableCounter(
        "calls", Observe, description: "Calls of keys, by the caller's own name and what was asked for.");


    /// <summary>Counts one call.</summary>
    public static void Count(Caller? caller, KeyCall call) => Interlocked.Increment(ref CountsOf(caller?.Principal)[(int)call]);

    private static long[] CountsOf(string? principal)
    {
        if (principal is null or Others or { Length: 0 or > LongestName }) return _others;
        if (_principals.TryGetValue(principal, out var counts)) return counts;
        // Two at once may admit one too many, which does no harm.
        return _principals.Count < Limit ? _principals.GetOrAdd(principal, _ => new long[_operations.Length]) : _others;
    }

    private static IEnumerable<Measurement<long>> Observe()
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
            if (count > 0) yield return new(count, new("principal", principal), new("operation", _operations[i]));
        }
    }
}
