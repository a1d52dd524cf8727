using System.Globalization;
using System.Runtime.InteropServices;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Changes what this process logs by signals, where no HTTP interface is open or nobody is to sign in: SIGUSR1 logs everything at debug for
/// an hour, and SIGUSR2 goes back to what was set. Also says in the log whenever that changes, at a level that is never off but by
/// <c>error</c>.
/// </summary>
internal sealed partial class LogSignals : IHostedService, IDisposable
{
    /// <summary>How long SIGUSR1 holds; another one begins anew.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private readonly LogSwitch _switch;
    private readonly ILogger _logger;
    private readonly List<PosixSignalRegistration> _signals = [];

    /// <summary>Watches a switch.</summary>
    public LogSignals(LogSwitch logSwitch, ILogger<LogSignals> logger) => (_switch, _logger) = (logSwitch, logger);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _switch.Changed += Tell;
        On(linux: 10, macOS: 30, () => _switch.Set(LogLevel.Debug, null, Life));
        On(linux: 12, macOS: 31, _switch.Reset);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
        _switch.Changed -= Tell;
        _signals.ForEach(signal => signal.Dispose());
    }

    // The platform names neither of the two; their numbers differ.
    private void On(int linux, int macOS, Action act)
    {
        if (OperatingSystem.IsWindows()) return;
        _signals.Add(PosixSignalRegistration.Create((PosixSignal)(OperatingSystem.IsMacOS() ? macOS : linux), context =>
        {
            context.Cancel = true;
            act();
        }));
    }

    private void Tell(LogChoice choice) => LogChanged(
        _logger, LevelNames.Of(choice.Level), choice.Requests ? "with" : "without",
        choice.Until is { } until ? until.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) : "further notice");

    [LoggerMessage(1, LogLevel.Warning, "The log is at {NewLevel}, {With} a line for each request, until {Until}.", EventName = "LogChanged")]
    private static partial void LogChanged(ILogger logger, string newLevel, string with, string until);
}
