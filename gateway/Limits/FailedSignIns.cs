using System.Net;
using System.Net.Sockets;

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// Counts failed sign-ins by source address. After some failures each answer is delayed a little; after many, unknown credentials are no
/// longer looked up. Cached credentials are never delayed, so a guesser cannot lock out others at the same address. IPv6 addresses count by
/// /64 network, since one machine owns all of it, and by /48 while many networks fail, since one customer owns that. The number of networks
/// is bounded: the one that has not failed for longest is forgotten for a new one, so that a flood locks out no newcomer.
/// </summary>
internal sealed class FailedSignIns(TimeProvider time)
{
    /// <summary>How many failures are answered without delay.</summary>
    public const int Free = 20;

    /// <summary>The number of failures after which nothing is looked up.</summary>
    public const int Max = 100;

    /// <summary>How many failures are forgotten a second.</summary>
    public const int ForgottenPerSecond = 5;

    /// <summary>The maximum number of networks tracked.</summary>
    public const int MaxSources = 10_000;

    /// <summary>The number of networks tracked from which on new IPv6 addresses count by /48.</summary>
    public const int Many = MaxSources / 2;

    /// <summary>The maximum delay of an answer.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromMilliseconds(500);

    private const int BytesOfNetwork = 8;
    private const int BytesOfSite = 6;

    private static readonly TimeSpan _delayOfEach = TimeSpan.FromMilliseconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Failures>> _sources = new(StringComparer.Ordinal);

    // The one that failed last is at the end.
    private readonly LinkedList<Failures> _byTime = [];

    /// <summary>The failures of one network.</summary>
    private sealed class Failures(string network)
    {
        public string Network { get; } = network;

        public double Count { get; set; }

        public long At { get; set; }
    }

    /// <summary>The number of networks tracked.</summary>
    internal int Sources
    {
        get
        {
            lock (_lock) return _sources.Count;
        }
    }

    /// <summary>Whether credentials from the address are looked up.</summary>
    /// <param name="source">The address.</param>
    /// <param name="retryAfter">Whole seconds until they are looked up again.</param>
    public bool Allows(string source, out int retryAfter)
    {
        lock (_lock)
        {
            var most = Math.Max(CountOf(NetworkOf(source)), SiteOf(source) is { } site ? CountOf(site) : 0);

            // Room for a whole one: of the last one something is forgotten at once.
            retryAfter = most + 1 <= Max ? 0 : Math.Max(1, (int)Math.Ceiling((most + 1 - Max) / ForgottenPerSecond));
            return retryAfter == 0;
        }
    }

    /// <summary>Records a failure.</summary>
    /// <returns>How long to delay its answer.</returns>
    public TimeSpan Note(string source)
    {
        lock (_lock)
        {
            var failures = Of(source);

            // Refusals without a lookup do not count, or a client that keeps trying would be refused for ever.
            failures.Count = Math.Min(Faded(failures) + 1, Max);
            failures.At = time.GetTimestamp();
            var delay = _delayOfEach * Math.Max(0, failures.Count - Free);
            return delay < MaxDelay ? delay : MaxDelay;
        }
    }

    /// <summary>What an address counts by.</summary>
    public static string NetworkOf(string source) => FirstBytesOf(source, BytesOfNetwork) ?? source;

    /// <summary>What an IPv6 address counts by while many fail; null for others.</summary>
    private static string? SiteOf(string source) => FirstBytesOf(source, BytesOfSite);

    private static string? FirstBytesOf(string source, int count) =>
        IPAddress.TryParse(source, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
            ? Convert.ToHexString(address.GetAddressBytes(), 0, count)
            : null;

    private Failures Of(string source)
    {
        var network = NetworkOf(source);
        if (_sources.Count >= Many && !_sources.ContainsKey(network)) network = SiteOf(source) ?? network;
        if (_sources.TryGetValue(network, out var known))
        {
            _byTime.Remove(known);
            _byTime.AddLast(known);
            return known.Value;
        }

        if (_sources.Count >= MaxSources)
        {
            _sources.Remove(_byTime.First!.Value.Network);
            _byTime.RemoveFirst();
        }

        return (_sources[network] = _byTime.AddLast(new Failures(network))).Value;
    }

    private double CountOf(string network) => _sources.TryGetValue(network, out var failures) ? Faded(failures.Value) : 0;

    private double Faded(Failures failures) => Math.Max(0, failures.Count - (time.GetElapsedTime(failures.At).TotalSeconds * ForgottenPerSecond));
}
