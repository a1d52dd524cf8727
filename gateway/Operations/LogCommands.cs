using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Gateway.Operations;

/// <summary>The administrator's commands for what this process logs. No silo is asked: each process has a log of its own.</summary>
internal static class LogCommands
{
    /// <summary>The shortest time that a change may hold.</summary>
    public static readonly TimeSpan MinLife = TimeSpan.FromSeconds(1);

    /// <summary>The longest.</summary>
    public static readonly TimeSpan MaxLife = TimeSpan.FromDays(7);

    private const string AsStarted = "as started";

    /// <summary>Returns what is logged.</summary>
    public static async Task<LogChoice> Describe(Call call)
    {
        await call.RecordAnswered(KmsOperation.DescribeLogging);
        return call.Services.Logging.Current;
    }

    /// <summary>Changes it; what is null goes back to the process's settings.</summary>
    /// <exception cref="KmsException">invalid_parameter, audit_unavailable.</exception>
    public static async Task<LogChoice> Set(Call call, LogLevel? level, bool? requests, TimeSpan? life)
    {
        if (life is { } span && (span < MinLife || span > MaxLife))
        {
            throw KmsError.InvalidParameter.Exception(
                $"'expires_in' must be {Iso8601Duration.Format(MinLife)} to {Iso8601Duration.Format(MaxLife)}.");
        }

        // First, so that nobody hides what follows without a record of it.
        await call.RecordAnswered(KmsOperation.SetLogging, FormattableString.Invariant(
            $"level {(level is { } named ? LevelNames.Of(named) : AsStarted)}, requests {(requests is { } all ? all ? "true" : "false" : AsStarted)}, for {(life is { } time ? Iso8601Duration.Format(time) : "good")}"));
        return call.Services.Logging.Set(level, requests, life);
    }
}
