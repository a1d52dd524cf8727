using Orleans.Configuration;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Gateway.Logging;
using OrleansKms.Grains.Hosting;
using OrleansKms.Silo.Configuration;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>The services of a silo for a command: with a silo's settings, and never started.</summary>
internal static class StorageHost
{
    /// <summary>Reads the settings and builds the services.</summary>
    /// <param name="mayBeEmbedded">Whether the command also works with the embedded database, while no silo uses it.</param>
    /// <exception cref="SettingException">A setting is wrong, or there is no cluster or no database.</exception>
    public static IHost Build(bool mayBeEmbedded = false)
    {
        var settings = ReadSettings();
        if (settings.IsAllInOne && !mayBeEmbedded) throw new SettingException(SettingTable.DatabaseUrl, "is missing: this command is for a cluster.");
        RequireDatabase(settings);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.LogToStandardError(settings.Log);
        builder.UseOrleans(silo => silo
            .Configure<ClusterOptions>(cluster =>
            {
                cluster.ServiceId = settings.Cluster.ServiceId;
                cluster.ClusterId = settings.Cluster.ClusterId;
            })
            .AddKmsStorage(settings.ToStorageOptions())
            .AddKmsGrains(settings.ToKeyOptions())
            .AddKmsAudit(settings.Audit));
        return builder.Build();
    }

    /// <summary>Reads a silo's settings, in a process that is already hardened.</summary>
    /// <exception cref="SettingException">A setting is wrong.</exception>
    public static Settings ReadSettings()
    {
        ProcessHardening.Apply();
        EmbeddedSqlite.Use();
        return Settings.Read(new ConfigurationBuilder()
            .AddJsonFile(Path.GetFullPath("appsettings.json"), optional: true)
            .AddEnvironmentVariables()
            .Build());
    }

    /// <summary>
    /// Refuses to create a database: a command meant for an existing one, started in another directory or without its settings,
    /// would succeed on a new one.
    /// </summary>
    /// <returns>How to refer to the database in the command's answer.</returns>
    /// <exception cref="SettingException">There is none.</exception>
    public static string RequireDatabase(Settings settings)
    {
        if (!settings.IsAllInOne) return "the database of DATABASE_URL";
        var file = Path.GetFullPath(Path.Combine(settings.DataDirectory, "kms.db"));
        return File.Exists(file)
            ? file
            : throw new SettingException(SettingTable.DataDirectory, $"names {settings.DataDirectory}, where no database is.");
    }

    /// <summary>Standard output belongs to the command.</summary>
    public static void LogToStandardError(this ILoggingBuilder logging, LogSettings settings)
    {
        logging.SetMinimumLevel(LogLevel.Warning).AddFilter("OrleansKms", settings.Level);
        logging.Services.AddSingleton<ILoggerProvider>(
            _ => new LineLoggerProvider(settings.FormatFor(Console.IsErrorRedirected), Console.OpenStandardError(), TimeProvider.System));
    }
}
