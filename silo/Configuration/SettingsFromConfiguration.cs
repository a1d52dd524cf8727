using System.Net;
using System.Text.RegularExpressions;
using OrleansKms.Silo.Logging;

namespace OrleansKms.Silo.Configuration;

public sealed partial record Settings
{
    private static readonly Dictionary<string, LogLevel> LogLevels = new(StringComparer.Ordinal)
    {
        ["trace"] = LogLevel.Trace,
        ["debug"] = LogLevel.Debug,
        ["info"] = LogLevel.Information,
        ["warn"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
    };

    private static readonly Dictionary<string, LogFormat> LogFormats = new(StringComparer.Ordinal)
    {
        ["json"] = LogFormat.Json,
        ["text"] = LogFormat.Text,
    };

    /// <summary>The names of all settings.</summary>
    internal static IReadOnlyCollection<string> Names
    {
        get
        {
            var reader = new SettingsReader(new ConfigurationManager());
            Read(reader);
            return reader.Known;
        }
    }

    /// <summary>Reads and checks all settings.</summary>
    /// <param name="configuration">The environment and appsettings.json, merged.</param>
    /// <exception cref="SettingException">A setting is wrong or unknown.</exception>
    public static Settings Read(IConfiguration configuration) => Read(new SettingsReader(configuration));

    private static Settings Read(SettingsReader reader)
    {
        RefuseHsm(reader);
        var settings = new Settings
        {
            Port = reader.Integer("PORT", 8080, 1, 65535),
            BindAddress = ReadBindAddress(reader, "OKMS_BIND_ADDRESS"),
            ConnectionString = reader.Text("DATABASE_URL") is { } url ? DatabaseUrl.ToConnectionString(url) : null,
            DataDirectory = Path.GetFullPath(reader.Text("OKMS_DATA_DIR") ?? "okms-data"),
            LogLevel = reader.Choice("LOG_LEVEL", LogLevel.Information, LogLevels),
            LogFormat = reader.Choice("OKMS_LOG_FORMAT", LogFormat.Json, LogFormats),
            RequestLog = reader.Switch("OKMS_REQUEST_LOG", true),
            ServiceId = ReadName(reader, "OKMS_SERVICE_ID"),
            ClusterId = ReadName(reader, "OKMS_CLUSTER_ID"),
            SiloPort = reader.Integer("OKMS_SILO_PORT", 11111, 1, 65535),
            ClientPort = reader.Integer("OKMS_CLIENT_PORT", 30000, 1, 65535),
            RequestTimeout = reader.Duration(
                "OKMS_REQUEST_TIMEOUT", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5)),
            ShutdownTimeout = reader.Duration(
                "OKMS_SHUTDOWN_TIMEOUT", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            DrainDelay = reader.Duration("OKMS_DRAIN_DELAY", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(1)),
            MaxPlaintextBytes = reader.Integer("OKMS_MAX_PLAINTEXT_BYTES", 64 * 1024, 1, 1024 * 1024),
            MinDeletionDelay = reader.Duration(
                "OKMS_MIN_DELETION_DELAY", TimeSpan.FromHours(24), TimeSpan.Zero, TimeSpan.FromDays(365)),
            // Orleans looks for idle activations once a minute, so a shorter time could not be kept.
            KeyIdleTime = reader.Duration("OKMS_KEY_IDLE_TIME", TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(2), TimeSpan.FromDays(7)),
            RateLimit = reader.Integer("OKMS_RATE_LIMIT", 1, 1_000_000),
            RateLimitBurst = reader.Integer("OKMS_RATE_LIMIT_BURST", 1, 10_000_000),
            MetricsKeyLimit = reader.Integer("OKMS_METRICS_KEY_LIMIT", 2000, 1, 1_000_000),
            Dashboard = reader.Switch("OKMS_DASHBOARD", true),
        };
        reader.RefuseUnknown();
        settings.RefuseContradictions();
        return settings;
    }

    private void RefuseContradictions()
    {
        if (RateLimitBurst is not null && RateLimit is null)
        {
            throw new SettingException("OKMS_RATE_LIMIT_BURST", "needs OKMS_RATE_LIMIT.");
        }
        if (DrainDelay >= ShutdownTimeout)
        {
            throw new SettingException("OKMS_DRAIN_DELAY", "must be shorter than OKMS_SHUTDOWN_TIMEOUT.");
        }
    }

    private static void RefuseHsm(SettingsReader reader)
    {
        if (reader.Text("HSM_ADDRESS") is not null)
        {
            throw new SettingException("HSM_ADDRESS", "is set, but this build does not support a root key in an HSM yet.");
        }
    }

    private static BindAddress ReadBindAddress(SettingsReader reader, string name) => reader.Text(name) switch
    {
        null or "localhost" => BindAddress.Localhost,
        "*" => new BindAddress(IPAddress.IPv6Any),
        var text when IPAddress.TryParse(text, out var address) => new BindAddress(address),
        _ => throw new SettingException(name, "must be localhost, an IP address, or * for all addresses."),
    };

    private static string ReadName(SettingsReader reader, string name)
    {
        var text = reader.Text(name) ?? "okms";
        return NamePattern().IsMatch(text)
            ? text
            : throw new SettingException(name, "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z")]
    private static partial Regex NamePattern();
}
