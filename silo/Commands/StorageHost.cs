using Orleans.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Gateway.Logging;
using OrleansKms.Grains;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Configuration;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>The services of a silo for a command: with a silo's settings, and never started.</summary>
internal static class StorageHost
{
    /// <summary>Reads the settings and builds the services. Log lines go to standard error, since standard output is the command's.</summary>
    /// <exception cref="SettingException">A setting is wrong, or there is no cluster.</exception>
    public static IHost Build()
    {
        ProcessHardening.Apply();
        var configuration = new ConfigurationBuilder()
            .AddJsonFile(Path.GetFullPath("appsettings.json"), optional: true)
            .AddEnvironmentVariables()
            .Build();
        var settings = Settings.Read(configuration);
        if (settings.IsAllInOne) throw new SettingException("DATABASE_URL", "is missing: this command is for a cluster.");

        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("OrleansKms", settings.Log.Level);
        builder.Services.AddSingleton<ILoggerProvider>(
            _ => new LineLoggerProvider(settings.Log.Format, Console.OpenStandardError(), TimeProvider.System));
        builder.UseOrleans(silo => silo
            .Configure<ClusterOptions>(cluster =>
            {
                cluster.ServiceId = settings.Cluster.ServiceId;
                cluster.ClusterId = settings.Cluster.ClusterId;
            })
            .AddKmsStorage(settings.ToStorageOptions())
            .AddKmsGrains(settings.ToKeyOptions()));
        return builder.Build();
    }
}
