using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Access.Jwt;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Observability;

/// <summary>The health of the parts.</summary>
/// <param name="Cluster">
/// Whether a silo answered, and it is known who may sign in, without which every request would be refused; for a silo, also
/// whether it is an active member of its cluster.
/// </param>
/// <param name="Database">Whether its last probe of the database succeeded; false when no silo answered.</param>
/// <param name="Hsm">The same for the HSM; null when none is configured or no silo answered.</param>
/// <param name="ClockProblem">Why the silo's clock cannot be trusted; null when it can, and when no silo answered.</param>
/// <param name="KekProblem">How the KEKs differ from what the root key vouches for; null when they do not, and when no silo answered.</param>
/// <param name="IsStopping">Whether this process is about to stop.</param>
/// <param name="HsmProblem">Why the HSM is not healthy; null when it is, and when no silo answered.</param>
/// <param name="Audit">Whether the silo's audit trail is written; null when operations are not recorded, and when no silo answered.</param>
/// <param name="Issuers">Whether the keys of all JWT issuers are known; null when there are none, and when no silo answered.</param>
/// <param name="IssuerProblem">What is wrong with a JWT issuer; null when nothing is, and when no silo answered.</param>
/// <param name="HsmSpecs">The specs of which keys can be created in the HSM; null when none is configured or no silo answered.</param>
/// <param name="WaitsFor">What a silo that is still starting waits for; null once it has started.</param>
internal sealed record Health(
    bool Cluster, bool Database, bool? Hsm, string? ClockProblem = null, string? KekProblem = null, bool IsStopping = false,
    string? HsmProblem = null, StartStep? WaitsFor = null, bool? Audit = null, bool? Issuers = null, string? IssuerProblem = null,
    IReadOnlyList<string>? HsmSpecs = null)
{
    /// <summary>Whether every part works.</summary>
    public bool IsHealthy => IsReady && Hsm != false && KekProblem is null && Issuers != false;

    /// <summary>
    /// Whether requests should be sent here. True even while the HSM or a JWT issuer is away: only keys in the one, and callers of
    /// the other, get 503 then, and no other process could serve those.
    /// </summary>
    public bool IsReady => Cluster && Database && ClockProblem is null && Audit != false && !IsStopping;

    /// <summary>What is wrong, in words that anyone may read.</summary>
    public IReadOnlyList<string> Problems => [.. new[] { StartProblem, ClockProblem, KekProblem, HsmProblem, IssuerProblem }.OfType<string>()];

    private string? StartProblem => WaitsFor is { } step ? $"The silo is starting and waits for {Name(step)}." : null;

    /// <summary>The health of a starting silo: everything before its current step works.</summary>
    public static Health Starting(IStartProgress start)
    {
        var step = start.Step;
        return new(
            Cluster: false, Database: step > StartStep.Database, Hsm: start.HasHsm ? step > StartStep.Hsm : null, WaitsFor: step);
    }

    /// <summary>The same, for a process that is about to stop.</summary>
    public Health Stopping() => this with { IsStopping = true };

    private static string Name(StartStep step) => step switch
    {
        StartStep.Database => "the database",
        StartStep.Hsm => "the HSM",
        _ => "its cluster",
    };
}

/// <summary>Reports, in a process that is itself a silo, whether its cluster counts it as a member.</summary>
internal interface IClusterMembership
{
    /// <summary>Whether this silo is an active member.</summary>
    bool IsActive { get; }
}

/// <summary>
/// Asks a silo for its health, at most once a second however often it is asked itself: anyone may ask, so an answer must cost
/// nothing.
/// </summary>
internal sealed class HealthProbe(
    Lazy<IGrainFactory> grains, ClusterLink link, IPrincipalSource principals, IHostApplicationLifetime lifetime, TimeProvider time,
    JwtIssuers? issuers = null, IClusterMembership? membership = null, IStartProgress? start = null)
{
    private static readonly TimeSpan _freshFor = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);
    private static readonly HealthQuery _query = new(new Caller("gateway", "gateway", "health"));

    private static readonly Task<Health> _unreachable = Task.FromResult(new Health(Cluster: false, Database: false, Hsm: null));

    private readonly Lock _lock = new();
    private Task<Health>? _probe;
    private int _way;
    private long _probed;
    private volatile bool _isStopping;

    /// <summary>Whether this process is about to stop.</summary>
    public bool IsStopping => _isStopping || lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>This process is about to stop.</summary>
    public void Stop() => _isStopping = true;

    /// <summary>The outcome of the last probe, or of the one in progress; over a broken link nothing is asked.</summary>
    public Task<Health> Current()
    {
        if (!link.IsConnected) return start is null ? _unreachable : Task.FromResult(Health.Starting(start));
        lock (_lock)
        {
            if (_probe is null || (_probe.IsCompleted && time.GetElapsedTime(_probed) >= _freshFor))
            {
                _probe = Probe();
            }

            return _probe;
        }
    }

    private async Task<Health> Probe()
    {
        try
        {
            var report = await grains.Value.GetGrain<IHealthGrain>(_way).Check(_query).AsTask().WaitAsync(_patience, time);
            if (!report.Database || report.Hsm == false || report.Audit == false || report.ClockProblem is not null) AskAnother();
            return new Health(
                (membership?.IsActive ?? true) && principals.IsReady, report.Database, report.Hsm, report.ClockProblem, report.KekProblem,
                HsmProblem: report.HsmProblem, Audit: report.Audit, Issuers: issuers?.AreKnown, IssuerProblem: issuers?.Problem,
                HsmSpecs: report.HsmSpecs);
        }
        catch (Exception)
        {
            // Whatever it is, no silo has answered; the cluster's own log says why.
            AskAnother();
            return await _unreachable;
        }
        finally
        {
            _probed = time.GetTimestamp();
        }
    }

    // A client sends all calls of one grain through one silo while it can, and one sick silo is not the whole cluster.
    private void AskAnother() => _way = (_way + 1) % ClusterPrincipals.Ways;
}
