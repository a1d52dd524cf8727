using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>What a silo logs about its settings.</summary>
internal static partial class SettingMessages
{
    /// <summary>Names the settings without effect; never their values.</summary>
    public static void WarnOfSettingsWithoutEffect(this WebApplication app, Settings settings)
    {
        if (settings.WithoutEffect.Count == 0) return;
        WithoutEffect(
            app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms.Silo"), string.Join(", ", settings.WithoutEffect));
    }

    [LoggerMessage(4, LogLevel.Warning,
        "Settings without effect, because this silo lacks their part: {Settings}.", EventName = "SettingsWithoutEffect")]
    private static partial void WithoutEffect(ILogger logger, string settings);
}
