using Microsoft.Extensions.Options;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Gateway.Hosting;

/// <summary>What is logged, and where.</summary>
internal static class LogOutput
{
    private const string OurOwn = "OrleansKms";
    private const string DashboardLogger = "Orleans.Dashboard.Implementation.DashboardLogger";

    /// <summary>Logs lines to standard output, at the configured level.</summary>
    public static void UseLogLines(this WebApplicationBuilder builder, LogSettings settings)
    {
        var logging = builder.Logging.ClearProviders();
        builder.Services.AddSingleton(services => new LineLoggerProvider(
            settings.FormatFor(Console.IsOutputRedirected), Console.OpenStandardOutput(), services.GetService<TimeProvider>() ?? TimeProvider.System));
        builder.Services.AddSingleton<ILoggerProvider>(services => services.GetRequiredService<LineLoggerProvider>());
        var logSwitch = new LogSwitch(settings.Level, settings.Requests, TimeProvider.System);
        builder.Services.AddSingleton(_ => logSwitch);
        builder.Services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(logSwitch);
        builder.Services.AddHostedService<LogSignals>();
        builder.Services.Configure<LoggerFilterOptions>(options => Filter(options, logSwitch.Current.Level));
        // By the provider's name, so that no filter of the configuration comes before it.
        logging.AddFilter<LineLoggerProvider>(LogCategories.Changes, LogLevel.Information);
        // It recommends another garbage collector at each start, which was measured and decided in the project file.
        logging.AddFilter("Orleans.Runtime.Silo", LogLevel.Error);
        // Its first line at a start is false: it counts the time since the machine's boot as a stall.
        logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        // A refused start says why in one line on standard error; the host would add a stack trace.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        // It logs full addresses, which is never wanted; and while it is on at any level, the web server makes an activity and a
        // scope for each request.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        // The dashboard's trace is switched off, but its logger would still receive every line.
        builder.Services.Configure<LoggerFilterOptions>(options =>
            options.Rules.Add(new LoggerFilterRule(DashboardLogger, categoryName: null, LogLevel.None, filter: null)));
    }

    private static void Filter(LoggerFilterOptions options, LogLevel level)
    {
        options.MinLevel = LevelOfFrameworks(level);
        options.Rules.Add(new(providerName: null, OurOwn, level, filter: null));
    }

    /// <summary>The frameworks underneath are talkative; they are heard one level above ours.</summary>
    private static LogLevel LevelOfFrameworks(LogLevel ours) => ours switch
    {
        LogLevel.Trace => LogLevel.Debug,
        LogLevel.Debug => LogLevel.Information,
        LogLevel.Error => LogLevel.Error,
        _ => LogLevel.Warning,
    };
}
