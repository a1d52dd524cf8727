using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Hosting;

/// <summary>Adds storage to a silo.</summary>
public static class KmsStorageExtensions
{
    /// <summary>
    /// Adds the sealed grain storage <see cref="StorageNames.Sealed"/>, <see cref="IMaterialSealer"/>,
    /// <see cref="IRowDirectory"/>, <see cref="IStorageHealth"/> and the reminder table. Migrates the schema and opens the KEK
    /// ring before the silo starts; a reason not to start is a <see cref="StartRefusedException"/> from the host's start.
    /// </summary>
    /// <exception cref="StartRefusedException">An option is invalid.</exception>
    public static ISiloBuilder AddKmsStorage(this ISiloBuilder builder, KmsStorageOptions options)
    {
        options.Validate();
        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton<DatabaseOptions>(options);
        services.AddSingleton(options.Fence);
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddSingleton(provider => Database.Of(
            options, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<SystemEvents>();
        services.AddSingleton<SchemaMigrations>();
        services.AddSingleton<StorageProgress>();
        services.AddSingleton<StorageOpening>();
        services.AddSingleton(provider => new StorageSession(provider, provider.GetRequiredService<StorageOpening>()));
        services.AddSingleton(provider => new RestoreEpochStore(provider.GetRequiredService<Database>()));
        services.AddSingleton<CurrentEpoch>();
        AddPresence(services);
        services.AddSingleton(provider => new StorageStart(
            provider.GetRequiredService<StorageOpening>(), provider.GetRequiredService<SiloPresence>()));
        services.AddHostedService(provider => provider.GetRequiredService<StorageStart>());
        AddRing(services, options);
        AddRows(services);
        AddFence(services, options);
        builder.UseAdoNetReminderService(reminders => reminders.Configure<Database>((o, database) =>
        {
            o.Invariant = database.Invariant;
            o.DataSource = database.Connections;
        }));

        // The range queries for reminders look 20 minutes ahead, so a silo must ask several times within that.
        builder.Configure<ReminderOptions>(reminders => reminders.RefreshReminderListPeriod = TimeSpan.FromMinutes(5));
        GateReminders(services);
        return builder;
    }

    private static void AddPresence(IServiceCollection services)
    {
        services.AddSingleton<SiloRegistry>();
        services.AddSingleton(provider => new FeatureLevels(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<SiloRegistry>()));
        services.AddSingleton<IFeatureLevel>(provider => provider.GetRequiredService<FeatureLevels>());
        services.AddSingleton<SiloPresence>();
        services.AddSingleton<IClusterContact>(provider => provider.GetRequiredService<SiloPresence>());
        services.AddHostedService(provider => provider.GetRequiredService<SiloPresence>());
    }

    private static void AddRing(IServiceCollection services, KmsStorageOptions options)
    {
        if (options.Hsm is { } hsm)
        {
            AddHsm(services, hsm);
        }

        services.TryAddSingleton<IRootKey>(provider => new FileRootKey(
            Path.GetFullPath(options.RootKeyFile ?? Path.Combine(options.DataDirectory, "root.key")),
            isHandedIn: options.RootKeyFile is not null,
            provider.GetRequiredService<ILogger<FileRootKey>>()));
        services.AddSingleton<KekStore>();
        services.AddSingleton<KekRing>();
        services.AddSingleton<KekRecords>();
        services.AddSingleton<KekRotation>();
        services.AddSingleton<RowResealing>();
        services.AddHostedService<KekSweep>();
        services.AddSingleton<IKekRing>(provider => provider.GetRequiredService<KekRing>());
        services.AddSingleton<IAnnouncedKeks>(provider => provider.GetRequiredService<KekRing>());
        services.AddSingleton<IRingHealth>(provider => provider.GetRequiredService<KekRing>());
    }

    private static void AddHsm(IServiceCollection services, HsmOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<HsmToken>();
        services.AddSingleton<IHsmHealth>(provider => provider.GetRequiredService<HsmToken>());
        services.AddSingleton<HsmRootStore>();
        services.AddSingleton<IRootKey, HsmRootKey>();
        services.AddHostedService<HsmProbe>();
        services.AddSingleton<HsmProofs>();
        services.AddSingleton<IHsmSpecs>(provider => provider.GetRequiredService<HsmProofs>());
        services.AddHostedService(provider => provider.GetRequiredService<HsmProofs>());
        services.AddSingleton<IKeyProvider>(provider => new HsmKeyProvider(
            provider.GetRequiredService<HsmToken>(), provider.GetRequiredService<HsmProofs>(), options.Sessions,
            provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<HsmKeyProvider>>()));
        services.AddSingleton(provider => new HsmInventory(
            provider.GetRequiredService<HsmToken>(),
            provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IKeyRecords, KeyRecords>();
        services.AddSingleton(provider => new HsmOrphans(provider.GetRequiredService<HsmInventory>(), provider));
        services.AddSingleton<HsmOrphanWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<HsmOrphanWatch>());
    }

    private static void AddRows(IServiceCollection services)
    {
        services.AddAdoNetGrainStorage(StorageNames.Raw, storage => storage.Configure<Database>((o, database) =>
        {
            o.Invariant = database.Invariant;
            o.DataSource = database.Connections;
            o.GrainStorageSerializer = new OpaqueRowSerializer();
            o.DeleteStateOnClear = true;
        }));

        // The provider logs each failure with a stack trace and then throws it, so a database that is down would fill the log.
        // The exception reaches the grains, and the probe logs the outage once.
        services.AddLogging(logging => logging.AddFilter(typeof(AdoNetGrainStorage).FullName, LogLevel.None));
        services.AddSingleton<RowTypes>();
        services.AddSingleton<RowSealer>(provider => ActivatorUtilities.CreateInstance<RowSealer>(provider));
        services.AddSingleton<BackupSealer>(provider => ActivatorUtilities.CreateInstance<BackupSealer>(provider));
        services.AddSingleton<IMaterialSealer>(provider => provider.GetRequiredService<RowSealer>());
        services.AddSingleton<IKeyProvider, SoftwareKeyProvider>();
        services.AddSingleton<KeyProviders>();
        services.AddKeyedSingleton<IGrainStorage>(
            StorageNames.Sealed, (provider, _) => ActivatorUtilities.CreateInstance<SealedGrainStorage>(provider));
        services.AddSingleton<IRowDirectory, RowDirectory>();
        services.AddSingleton<StorageProbe>();
        services.AddSingleton<IStorageHealth>(provider => provider.GetRequiredService<StorageProbe>());
        services.AddHostedService(provider => provider.GetRequiredService<StorageProbe>());
    }

    // The embedded database has one process, which the lock on its directory guarantees, so nothing can overtake an activation.
    private static void AddFence(IServiceCollection services, KmsStorageOptions options)
    {
        if (options.IsEmbedded)
        {
            return;
        }

        services.TryAddSingleton<BootClock>();
        services.TryAddSingleton<FenceQuery>();
        services.AddSingleton<Fence>();
        services.AddHostedService(provider => provider.GetRequiredService<Fence>());
    }

    // The provider's table is internal to it, so only its registration identifies it here.
    private static void GateReminders(IServiceCollection services)
    {
        var provided = services.Last(s => s.ServiceType == typeof(IReminderTable));
        services.Remove(provided);
        services.AddSingleton<IReminderTable>(provider => new GatedReminderTable(
            (IReminderTable)ActivatorUtilities.CreateInstance(provider, provided.ImplementationType!),
            provider.GetRequiredService<Database>()));
    }
}
