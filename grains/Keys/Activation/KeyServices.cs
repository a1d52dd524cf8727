using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>What all keys of a silo share.</summary>
public sealed class KeyServices(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, IMaterialSealer sealer, KeyProviders providers, KeyOptions options,
    [FromKeyedServices(ClockNames.Keys)] TimeProvider time, ErasureClock erasures, IClockHealth clock, FeatureLevels levels,
    ChangeLines changes, CurrentEpoch epoch, ILogger<KeyGrain> logger, IServiceProvider services)
{
    private const string UpgradeFirst = "after the upgrade: upgrade every silo and gateway, then run okms raise-feature-level.";

    /// <summary>The caller in records of what a key does by itself.</summary>
    internal static Caller Self { get; } = new("okms", "silo", "-");

    /// <summary>The sealed storage of rows.</summary>
    internal IGrainStorage Storage => storage;

    /// <summary>Wraps and opens material.</summary>
    internal IMaterialSealer Sealer => sealer;

    /// <summary>Seals and opens backups.</summary>
    internal BackupSealer Backups { get; } = services.GetRequiredService<BackupSealer>();

    /// <summary>Who holds the material of each protection.</summary>
    internal KeyProviders Providers => providers;

    /// <summary>The operator's settings.</summary>
    internal KeyOptions Options => options;

    /// <summary>The clock that keys use.</summary>
    internal TimeProvider Time => time;

    /// <summary>Checked before anything is erased.</summary>
    internal ErasureClock Erasures => erasures;

    /// <summary>Whether <see cref="Time"/> can be trusted.</summary>
    internal IClockHealth Clock => clock;

    /// <summary>The feature levels of the cluster.</summary>
    internal FeatureLevels Levels => levels;

    /// <summary>
    /// Refuses fields that an older version would drop when it next writes the row, while one may be running: below feature level 4, unless
    /// no older version ever used the database.
    /// </summary>
    /// <param name="what">The refused fields, in the plural.</param>
    /// <exception cref="KmsException">conflict.</exception>
    internal void RequireLevel4(string what) => RequireLevel(4, what);

    /// <summary>Refuses a rule of dual control that older programs do not know, while one may be running.</summary>
    /// <exception cref="KmsException">conflict.</exception>
    internal void RequireLevelOf(ApprovalRule rule)
    {
        RequireLevel4("Dual control");
        if (rule.Operations.Contains(GuardedOperations.Import))
        {
            RequireLevel(6, "Rules that guard imports");
        }
    }

    /// <summary>Refuses what programs that know only lower feature levels cannot read or would drop, while one may be running.</summary>
    /// <param name="level">The level; 3 or more.</param>
    /// <param name="what">What is refused, in the plural.</param>
    /// <param name="done">What cannot be done with it.</param>
    /// <exception cref="KmsException">conflict.</exception>
    internal void RequireLevel(int level, string what, string done = "set")
    {
        if (!levels.AllKnow(level))
        {
            throw KmsError.Conflict.Exception($"{what} can be {done} only {UpgradeFirst}");
        }
    }

    /// <summary>Refuses to create a key of a spec, usage and protection that an older program does not know, while one may run.</summary>
    /// <exception cref="KmsException">conflict.</exception>
    internal void RequireLevelOf(IKeyProvider provider, KeyAlgorithm algorithm, KeyUsage usage)
    {
        if (!levels.AllKnow(provider.SinceLevel(algorithm, usage)))
        {
            throw KmsError.Conflict.Exception(provider.SinceLevel(algorithm, usage) > algorithm.SinceLevel(usage)
                ? $"Keys of {algorithm.Spec} with this protection can be created only {UpgradeFirst}"
                : $"Keys of {algorithm.Spec} for this usage can be created only {UpgradeFirst}");
        }
    }

    /// <summary>The record of changes.</summary>
    internal ChangeLines Changes => changes;

    /// <summary>The audit trail; null if operations are not recorded.</summary>
    internal AuditLog? Audit { get; } = services.GetService<AuditLog>() is { IsOn: true } audit ? audit : null;

    /// <summary>Makes the keys that imports are wrapped with.</summary>
    internal WrappingKeys WrappingKeys { get; } = services.GetService<WrappingKeys>() ?? new();

    /// <summary>Tells who of those who asked for something, or approved it, still may.</summary>
    internal IPrincipalStanding Principals { get; } = services.GetRequiredService<IPrincipalStanding>();

    /// <summary>The restore epoch.</summary>
    internal RestoreEpoch Epoch { get; } = epoch.Value;

    /// <summary>The log of keys.</summary>
    internal ILogger Logger => logger;
}
