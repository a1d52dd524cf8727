using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// Counts failed sign-ins by source address. After some failures each answer is delayed a little; after many, unknown credentials are no
/// longer looked up. Cached credentials are never delayed, so a guesser cannot lock out others at the same address. IPv6 addresses count by
/// /64 network, since one machine owns all of it.
/// </summary>
internal sealed class FailedSignIns(TimeProvider time)
{
    /// <summary>How many failures are answered without delay.</summary>
    public const int Free = 20;

    /// <summary>The number of failures after which nothing is looked up.</summary>
    public const int Max = 100;

    /// <summary>How many failures are forgotten a second.</summary>
    public const int ForgottenPerSecond = 5;

    /// <summary>The maximum number of addresses tracked; further ones count together.</summary>
    public const int MaxSources = 10_000;

    /// <summary>The maximum delay of an answer.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromMilliseconds(500);

    private const string Others = "";
    private static readonly TimeSpan _delayOfEach = TimeSpan.FromMilliseconds(10);

    private readonly ConcurrentDictionary<string, Failures> _sources = new(StringComparer.Ordinal);

    /// <summary>The failures of one address.</summary>
    private sealed class Failures
    {
        public double Count { get; set; }

        public long At { get; set; }
    }

    /// <summary>Whether credentials from the address are looked up.</summary>
    /// <param name="source">The address.</param>
    /// <param name="retryAfter">Whole seconds until they are looked up again.</param>
    public bool Allows(string source, out int retryAfter)
    {
        retryAfter = 0;
        if (!_sources.TryGetValue(NetworkOf(source), out var failures) && !_sources.TryGetValue(Others, out failures)) return true;
        lock (failures)
        {
            Fade(failures);
            // Room for a whole one: of the last one something is forgotten at once.
            if (failures.Count + 1 <= Max) return true;
            retryAfter = Math.Max(1, (int)Math.Ceiling((failures.Count + 1 - Max) / ForgottenPerSecond));
            return false;
        }
    }

    /// <summary>Records a failure.</summary>
    /// <returns>How long to delay its answer.</returns>
    public TimeSpan Note(string source)
    {
        var failures = Of(NetworkOf(source));
        lock (failures)
        {
            Fade(failures);
            // Refusals without a lookup do not count, or a client that keeps trying would be refused for ever.
            failures.Count = Math.Min(failures.Count + 1, Max);
            var delay = _delayOfEach * Math.Max(0, failures.Count - Free);
            return delay < MaxDelay ? delay : MaxDelay;
        }
    }

    private Failures Of(string network)
    {
        if (_sources.TryGetValue(network, out var known)) return known;
        if (_sources.Count >= MaxSources) RemoveFaded();
        return _sources.GetOrAdd(_sources.Count >= MaxSources ? Others : network, _ => new() { At = time.GetTimestamp() });
    }

    private void RemoveFaded()
    {
        foreach (var (network, failures) in _sources)
        {
            lock (failures)
            {
                Fade(failures);
                if (failures.Count == 0) _sources.TryRemove(network, out _);
            }
        }
    }

    private void Fade(Failures failures)
    {
        var now = time.GetTimestamp();
        var faded = time.GetElapsedTime(failures.At, now).TotalSeconds * ForgottenPerSecond;
        (failures.Count, failures.At) = (Math.Max(0, failures.Count - faded), now);
    }

    /// <summary>What an address counts by.</summary>
    public static string NetworkOf(string source) =>
        IPAddress.TryParse(source, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
            ? Convert.ToHexString(address.GetAddressBytes(), 0, 8)
            : source;
}
