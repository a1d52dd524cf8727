using System.CommandLine;
using OrleansKms.Grains.Presence;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>Ends a rolling upgrade: what the new program can do is used from now on, and an older one does not start any more.</summary>
internal static class RaiseFeatureLevel
{
    /// <summary>The command.</summary>
    public static Command Command()
    {
        var command = new Command("raise-feature-level", "Lets a cluster use what is new, once every silo runs this program.");
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
