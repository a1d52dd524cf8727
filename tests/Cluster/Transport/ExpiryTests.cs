using OrleansKms.Transport;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>What is said of a certificate that comes to its end.</summary>
public sealed class ExpiryTests : IDisposable
{
    private readonly Certificates _certificates = new();
    private readonly ManualClock _clock = new();
    private readonly TransportLog _log = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public void CertificateThatEndsSoon_IsSpokenOfNowAndThen_UntilItIsReplaced()
    {
        var files = _certificates.Silo("silo");
        using var source = Watch(files);
        _clock.Pass(TimeSpan.FromDays(75));
        Assert.Equal(0, Warnings());

        _clock.Pass(TimeSpan.FromDays(2));
        Assert.Equal(1, Warnings());
        Assert.Contains(files.CertificateFile, _log.Lines[^1], StringComparison.Ordinal);
        _clock.Pass(TimeSpan.FromHours(5));
        Assert.Equal(1, Warnings());
        _clock.Pass(TimeSpan.FromHours(2));
        Assert.Equal(2, Warnings());

        Assert.Equal(0, _certificates.Run("--days", "400", "silo", "silo").Code);
        _clock.Pass(TimeSpan.FromSeconds(1));
        _clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Contains("were replaced", _log.Lines[^1], StringComparison.Ordinal);
        _clock.Pass(TimeSpan.FromHours(7));
        Assert.Equal(2, Warnings());
    }

    [Fact]
    public void AuthorityThatEndsBeforeItsCertificates_IsSpokenOf()
    {
        Assert.Equal(0, _certificates.Run("--days", "4000", "silo", "silo").Code);
        using var source = Watch(_certificates.Files("silo"));
        Assert.NotEqual(source.Current.Subject, source.Current.EndsFirst);
        Assert.InRange(source.Current.NotAfter - _clock.GetUtcNow(), TimeSpan.FromDays(1), TimeSpan.FromDays(3999));
        _clock.Pass(source.Current.NotAfter - _clock.GetUtcNow() - TimeSpan.FromDays(13));
        Assert.Equal(1, Warnings());
        Assert.Contains(source.Current.EndsFirst, _log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void CertificateOfADay_IsSpokenOfInItsLastQuarter()
    {
        using var source = Watch(_certificates.Sign("silo", ["okms:silo"], validFrom: TimeSpan.Zero, validFor: TimeSpan.FromDays(1)));
        _clock.Pass(TimeSpan.FromHours(17));
        Assert.Equal(0, Warnings());
        _clock.Pass(TimeSpan.FromHours(2));
        Assert.Equal(1, Warnings());
    }

    [Fact]
    public void SameProblem_IsSaidOnce_AndSolvedByItself()
    {
        var files = _certificates.Silo("silo");
        using var source = Watch(files);
        var early = _certificates.Sign("early", ["okms:silo"], validFrom: TimeSpan.FromHours(1));
        File.Copy(early.CertificateFile, files.CertificateFile, overwrite: true);
        File.Copy(early.KeyFile, files.KeyFile, overwrite: true);
        for (var i = 0; i < 10; i++) _clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("CN=silo, O=OrleansKms", source.Current.Subject);
        Assert.Equal(1, Warnings());

        _clock.Pass(TimeSpan.FromHours(1));
        Assert.Equal("CN=early", source.Current.Subject);
    }

    private TlsIdentitySource Watch(MutualTlsFiles files) => new(
        files, CertificateRole.Silo, TlsIdentitySource.Read(files, CertificateRole.Silo, _clock), _clock, _log);

    private int Warnings() => _log.Lines.Count(line => line.StartsWith("Warning", StringComparison.Ordinal));

    /// <summary>A clock that leaps, and lets the files be looked at once for each leap.</summary>
    private sealed class ManualClock : TimeProvider
    {
        private readonly List<Action> _timers = [];
        // A little ahead, so that a certificate made in the meantime is valid by it.
        private DateTimeOffset _now = DateTimeOffset.UtcNow.AddMinutes(10);

        public override DateTimeOffset GetUtcNow() => _now;

        public void Pass(TimeSpan time)
        {
            _now += time;
            _timers.ForEach(timer => timer());
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add(() => callback(state));
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
