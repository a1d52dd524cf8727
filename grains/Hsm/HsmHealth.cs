using Microsoft.Extensions.Logging;

namespace OrleansKms.Grains.Hsm;

/// <summary>What is known of the token from its latest calls and probes, and what the log says of each change.</summary>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class HsmHealth(TimeProvider time, ILogger logger) : IHsmHealth
{
    /// <summary>What callers are told whose call took too long.</summary>
    public const string TooSlow = "The HSM does not answer in time; try again.";

    // A token that refused to make or destroy a key is not asked again just to find out whether it still refuses.
    private static readonly TimeSpan _refusalIsNews = TimeSpan.FromMinutes(10);

    private volatile bool _isUp;
    private string? _whyDown;
    private volatile string? _whyDownForCallers;
    private volatile Refusal? _refusal;
    private long _toldAt;

    /// <inheritdoc/>
    public bool IsHealthy => WhyUnhealthy is null;

    /// <inheritdoc/>
    public string? WhyUnhealthy => !_isUp
        ? _whyDownForCallers ?? KmsError.HsmUnavailable.Title
        : _refusal is { } refusal && time.GetElapsedTime(refusal.At) < _refusalIsNews ? refusal.Text : null;

    /// <summary>Whether the token is there. It may still refuse some calls.</summary>
    public bool IsUp => _isUp;

    /// <summary>The token is there for the first time.</summary>
    public void Begin() => _isUp = true;

    /// <summary>The token is used no more.</summary>
    public void End() => _isUp = false;

    /// <summary>The token is away. One line for each change, and not for each probe while an HSM is away for an hour.</summary>
    public void Down(Exception cause)
    {
        if (!_isUp) return;
        _isUp = false;
        _whyDown = cause.Message;
        _whyDownForCallers = ForCallers(cause);
        HsmDown(cause.Message);
    }

    /// <summary>The token is still away, perhaps for another reason.</summary>
    public void StillDown(Exception cause)
    {
        if (cause.Message == _whyDown) return;
        _whyDown = cause.Message;
        _whyDownForCallers = ForCallers(cause);
        HsmStillDown(cause.Message);
    }

    /// <summary>The token is there.</summary>
    public void Up()
    {
        if (_isUp) return;
        _isUp = true;
        HsmBack();
    }

    /// <summary>A call failed.</summary>
    public void Failed(HsmException failure)
    {
        if (failure is HsmWrongAnswerException)
        {
            RefusesChange(failure.ForCallers);
            WrongAnswer(failure.Message);
        }
        else if (failure.IsTokenLost)
        {
            Down(failure);
        }
        else if (IsTimeToTell())
        {
            CallFailed(failure.Message);
        }
    }

    /// <summary>The token refused to make or destroy a key, or answered wrongly.</summary>
    /// <param name="why">In words that anyone may read.</param>
    public void RefusesChange(string why) => _refusal = new(why, time.GetTimestamp());

    /// <summary>The token made or destroyed a key.</summary>
    public void ChangesAgain() => _refusal = null;

    private static string ForCallers(Exception cause) => (cause as HsmException)?.ForCallers ?? TooSlow;

    // Where the HSM refuses calls as fast as they come, each would be a line.
    private bool IsTimeToTell()
    {
        var told = Interlocked.Read(ref _toldAt);
        var now = Environment.TickCount64;
        return now - told >= 1000 && Interlocked.CompareExchange(ref _toldAt, now, told) == told;
    }

    private sealed record Refusal(string Text, long At);

    [LoggerMessage(Level = LogLevel.Error, Message = "The HSM does not answer: {Reason}")]
    private partial void HsmDown(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The HSM could not be reconnected: {Reason}")]
    private partial void HsmStillDown(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The HSM answers again")]
    private partial void HsmBack();

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reason} Something on the token, or between it and here, is broken or changed")]
    private partial void WrongAnswer(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The HSM refused a call: {Reason}")]
    private partial void CallFailed(string reason);
}
