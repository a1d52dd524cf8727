using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class FailedSignInsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FailedSignIns _failed;

    public FailedSignInsTests() => _failed = new(_time);

    [Fact]
    public void Failures_AreFreeAtFirst_ThenHeldBackEverLonger_ThenRefused_AndForgotten()
    {
        for (var i = 0; i < FailedSignIns.Free; i++) Assert.Equal(TimeSpan.Zero, _failed.Note("192.0.2.1"));
        var last = TimeSpan.Zero;
        for (var i = FailedSignIns.Free; i < FailedSignIns.Max; i++)
        {
            Assert.True(_failed.Allows("192.0.2.1", out _));
            var delay = _failed.Note("192.0.2.1");
            Assert.InRange(delay, last, FailedSignIns.MaxDelay);
            last = delay;
        }

        Assert.Equal(FailedSignIns.MaxDelay, last);
        Assert.False(_failed.Allows("192.0.2.1", out var retryAfter));
        Assert.Equal(1, retryAfter);
        Assert.True(_failed.Allows("192.0.2.2", out _));
        // A guesser who goes on has no more than the few that are forgotten each second.
        var looked = 0;
        for (var i = 0; i < 10_000; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            if (!_failed.Allows("192.0.2.1", out _)) continue;
            _failed.Note("192.0.2.1");
            looked++;
        }

        Assert.InRange(looked, 9 * FailedSignIns.ForgottenPerSecond, 10 * FailedSignIns.ForgottenPerSecond);
        _time.Advance(TimeSpan.FromSeconds(retryAfter));
        Assert.True(_failed.Allows("192.0.2.1", out _));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(TimeSpan.Zero, _failed.Note("192.0.2.1"));
    }

    [Fact]
    public void IPv6_CountsByTheNetworkOfAMachine()
    {
        for (var i = 0; i < FailedSignIns.Max; i++) _failed.Note($"2001:db8:0:1::{i:x}");
        Assert.False(_failed.Allows("2001:db8:0:1::ffff", out _));
        Assert.True(_failed.Allows("2001:db8:0:2::1", out _));
    }

    [Fact]
    public void MoreSourcesThanAreToldApart_LockOutNoNewcomer_AndTheOldestIsForgotten()
    {
        for (var i = 0; i < FailedSignIns.Max; i++) _failed.Note("192.0.2.1");
        for (var i = 0; i < FailedSignIns.MaxSources - 1; i++) _failed.Note(Address(i));
        Assert.False(_failed.Allows("192.0.2.1", out _));
        Assert.True(_failed.Allows("192.0.2.2", out _));

        // Who goes on failing is not the oldest.
        _failed.Note("192.0.2.1");
        for (var i = 0; i < FailedSignIns.MaxSources - 1; i++)
        {
            Assert.Equal(TimeSpan.Zero, _failed.Note(Address(FailedSignIns.MaxSources + i)));
            Assert.True(_failed.Allows(Address(FailedSignIns.MaxSources + i), out _));
        }

        Assert.False(_failed.Allows("192.0.2.1", out _));
        _failed.Note("192.0.2.3");
        Assert.True(_failed.Allows("192.0.2.1", out _));
        Assert.Equal(FailedSignIns.MaxSources, _failed.Sources);

        static string Address(int i) => $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}";
    }

    [Fact]
    public void IPv6_CountsBySite_WhileManyNetworksFail()
    {
        for (var i = 0; i < FailedSignIns.Many; i++) _failed.Note($"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}");
        for (var i = 0; i < FailedSignIns.Max; i++) _failed.Note($"2001:db8:0:{i:x}::1");
        Assert.False(_failed.Allows("2001:db8:0:ffff::1", out _));
        Assert.True(_failed.Allows("2001:db8:1::1", out _));
        Assert.Equal(FailedSignIns.Many + 1, _failed.Sources);
    }
}
