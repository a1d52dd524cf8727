using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class LogSwitchTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly LogSwitch _switch;
    private readonly List<LogChoice> _heard = [];

    public LogSwitchTests()
    {
        _switch = new(LogLevel.Warning, requests: true, _time);
        _switch.Changed += _heard.Add;
    }

    public void Dispose() => _switch.Dispose();

    [Fact]
    public void Change_Holds_AndWhatIsLeftOutIsAsItWasAtTheStart()
    {
        _switch.Set(LogLevel.Debug, null, null);
        Assert.Equal(new(LogLevel.Debug, true), _switch.Current);
        _switch.Set(null, false, null);
        Assert.Equal(new(LogLevel.Warning, false), _switch.Current);
        _time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(new(LogLevel.Warning, false), _switch.Current);
        _switch.Reset();
        Assert.Equal(_switch.AtStart, _switch.Current);
        Assert.Equal(3, _heard.Count);
    }

    [Fact]
    public void Change_ForATime_EndsThen_UnlessItWasReplaced()
    {
        _switch.Set(LogLevel.Debug, null, TimeSpan.FromMinutes(1));
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromMinutes(1), _switch.Current.Until);
        _time.Advance(TimeSpan.FromSeconds(59));
        _switch.Set(LogLevel.Trace, null, TimeSpan.FromMinutes(1));
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(LogLevel.Trace, _switch.Current.Level);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(_switch.AtStart, _switch.Current);
        Assert.Equal([LogLevel.Debug, LogLevel.Trace, LogLevel.Warning], _heard.Select(choice => choice.Level));
    }

    [Fact]
    public void Change_MakesLoggersAskAgain_EachTime()
    {
        for (var i = 0; i < 3; i++)
        {
            var token = _switch.GetChangeToken();
            Assert.False(token.HasChanged);
            _switch.Set(LogLevel.Debug, null, null);
            Assert.True(token.HasChanged);
        }
    }
}
