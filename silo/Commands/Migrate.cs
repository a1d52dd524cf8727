using System.CommandLine;
using OrleansKms.Grains.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Brings the schema up to this program. Silos do it themselves when their role may; otherwise the owner of the schema runs this
/// before silos of a new version start.
/// </summary>
internal static class Migrate
{
    /// <summary>The command.</summary>
    public static Command Command()
    {
        var command = new Command("migrate", "Brings the database's schema up to this program.");
        command.SetAction((_, _) => Run());
        return command;
    }

    private static async Task Run()
    {
        using var host = StorageHost.Build();
        await host.Services.GetRequiredService<StorageSession>().Migrate(CancellationToken.None);
    }
}
