using System.CommandLine;
using OrleansKms.Configuration;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Lists and removes orphans: keys that a create or a rotation made in the HSM and that never reached the database.
/// </summary>
internal static class HsmOrphansCommand
{
    /// <summary>The command that lists them.</summary>
    public static Command List()
    {
        var command = new Command("hsm-orphans", "Lists keys in the HSM that belong to no key of the database.");
        command.SetAction((_, _) => RunList());
        return command;
    }

    /// <summary>The command that removes them.</summary>
    public static Command Remove()
    {
        var ids = new Argument<string[]>("ID") { Arity = ArgumentArity.OneOrMore, Description = "Ids that hsm-orphans lists." };
        var command = new Command("remove-hsm-orphans", "Removes those that are named, all or none.") { ids };
        command.SetAction((call, _) => RunRemove(call.GetRequiredValue(ids)));
        return command;
    }

    private static async Task RunList()
    {
        await With(alone: false, async orphans =>
        {
            foreach (var orphan in await orphans.Find(CancellationToken.None))
            {
                await Console.Out.WriteLineAsync(FormattableString.Invariant(
                    $"{orphan.Id} {orphan.MadeOn:yyyy-MM-dd} {(orphan.IsOld ? "old" : "young")} {orphan.Label}"));
            }
        });
    }

    private static async Task RunRemove(string[] named)
    {
        string[] ids = [.. named.Select(id => id.ToLowerInvariant()).Distinct(StringComparer.Ordinal)];
        await With(alone: true, async orphans =>
        {
            await orphans.Remove(ids, CancellationToken.None);
            foreach (var id in ids)
            {
                await Console.Out.WriteLineAsync($"removed {id}");
            }
        });
    }

    /// <param name="alone">
    /// Whether no silo may start and no other command run in the meantime. Listing may take long, and disturbs nobody.
    /// </param>
    /// <param name="work">The work.</param>
    private static async Task With(bool alone, Func<HsmOrphans, Task> work)
    {
        using var host = StorageHost.Build(mayBeEmbedded: true);
        var orphans = host.Services.GetService<HsmOrphans>()
            ?? throw new StartRefusedException($"{SettingTable.HsmAddress} is missing: there is no HSM to look into.");
        var open = await host.Services.GetRequiredService<StorageSession>().Open(CancellationToken.None);
        await using var held = alone ? open : null;
        if (!alone) await open.DisposeAsync();
        try
        {
            await work(orphans);
        }
        catch (KmsException e)
        {
            throw new StartRefusedException(e.Error == KmsError.HsmUnavailable ? e.InnerException?.Message ?? e.Message : $"Nothing was removed: {e.Message}", e);
        }
        catch (StorageFailedException e)
        {
            throw new StartRefusedException($"The database failed: {e.InnerException?.Message}", e);
        }
    }
}
