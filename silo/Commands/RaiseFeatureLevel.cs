using System.CommandLine;
using OrleansKms.Grains.Presence;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Ends a rolling upgrade: from now on the new program's features are used, and an older program does not start.
/// </summary>
internal static class RaiseFeatureLevel
{
    /// <summary>The command.</summary>
    public static Command Command()
    {
        var command = new Command("raise-feature-level", "Enables new features in a cluster, once every silo runs this program.");
        command.SetAction((_, _) => Run());
        return command;
    }

    private static async Task Run()
    {
        var settings = StorageHost.ReadSettings();
        StorageHost.RequireDatabase(settings);
        using var loggers = LoggerFactory.Create(logging => logging.LogToStandardError(settings.Log));
        var (from, to) = await FeatureLevels.Raise(settings.ToStorageOptions(), TimeProvider.System, loggers, CancellationToken.None);
        await Console.Out.WriteLineAsync(FormattableString.Invariant(from == to
            ? $"The feature level is {to} already."
            : (FormattableString)$"The feature level was raised from {from} to {to}."));
    }
}
