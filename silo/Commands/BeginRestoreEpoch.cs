using System.CommandLine;
using OrleansKms.Grains.Presence;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Begins a new restore epoch: once after the database was restored from a backup, or failed over to a replica that was behind,
/// and before any silo serves it. From then on no version number and no nonce budget of the lost history is used again.
/// </summary>
internal static class BeginRestoreEpoch
{
    /// <summary>The command.</summary>
    public static Command Command()
    {
        var command = new Command("restore-epoch", "Prepares a database restored from a backup for service.");
        command.SetAction((_, _) => Run());
        return command;
    }

    private static async Task Run()
    {
        var settings = StorageHost.ReadSettings();
        var database = StorageHost.RequireDatabase(settings);
        using var loggers = LoggerFactory.Create(logging => logging.LogToStandardError(settings.Log));
        var epoch = await RestoreEpochStore.Begin(settings.ToStorageOptions(), TimeProvider.System, loggers, CancellationToken.None);
        await Console.Out.WriteLineAsync(FormattableString.Invariant(
            $"Restore epoch {epoch.Number} of {database} has begun: keys rotate before they next encrypt, to versions above {epoch.VersionBase}."));
    }
}
