using System.CommandLine;
using OrleansKms.Grains.Root;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Changes the root of trust while silos serve: add, verify, switch, remove. The switch itself is a change of the silos' settings
/// and a rolling restart. An embedded database allows one process at a time, so there the service must be stopped.
/// </summary>
internal static class ChangeRoot
{
    /// <summary>The command.</summary>
    public static Command Command() => new("root", "Changes the root key.")
    {
        Step("list", "Lists the root keys: how many KEKs each wraps, and how many silos run on it.", async roots => Table(await roots.List(CancellationToken.None))),
        Add(),
        Verify(),
        StepOfRoot("remove", "Deletes the wraps of a root key, once the silos' own has opened every KEK.", (roots, id, isDryRun) => roots.Remove(id, isDryRun, CancellationToken.None)),
        DryStep("rotate", "Generates a new root key beside the old one, and makes it wrap every "
            + "KEK.", (roots, isDryRun) => roots.Rotate(isDryRun, CancellationToken.None)),
        StepOfRoot("destroy", "Destroys a root key in the HSM, or overwrites and deletes its file.", (roots, id, isDryRun) => roots.Destroy(id, isDryRun, CancellationToken.None)),
        DryStep("accept", "Makes the silos' own root key vouch for the KEKs as the database has them "
            + "now.", (roots, isDryRun) => roots.Accept(isDryRun, CancellationToken.None)),
    };

    private static Command Add()
    {
        var create = new Option<bool>("--create") { Description = "Generates the other root key if it does not exist." };
        var dryRun = DryRun();
        var command = new Command("add", "Makes the other root key, which OKMS_OTHER_… names, wrap every "
            + "KEK.") { create, dryRun };
        command.SetAction((call, _) => Run(roots => roots.Add(call.GetValue(create), call.GetValue(dryRun), CancellationToken.None)));
        return command;
    }

    private static Command Verify()
    {
        var id = new Argument<string?>("ID") { Arity = ArgumentArity.ZeroOrOne, Description = "A root key, as list names it; by default the other one, or the silos' own where no other is named." };
        var command = new Command("verify", "Opens every KEK with one root key alone, and checks each id.") { id };
        command.SetAction((call, _) => Run(roots => roots.Verify(call.GetValue(id), CancellationToken.None)));
        return command;
    }

    private static Command StepOfRoot(string name, string description, Func<RootChanges, string, bool, Task<string[]>> step)
    {
        var id = new Argument<string>("ID") { Description = "A root key, as list names it." };
        var dryRun = DryRun();
        var command = new Command(name, description) { id, dryRun };
        command.SetAction((call, _) => Run(roots => step(roots, call.GetRequiredValue(id), call.GetValue(dryRun))));
        return command;
    }

    private static Command DryStep(string name, string description, Func<RootChanges, bool, Task<string[]>> step)
    {
        var dryRun = DryRun();
        var command = new Command(name, description) { dryRun };
        command.SetAction((call, _) => Run(roots => step(roots, call.GetValue(dryRun))));
        return command;
    }

    private static Command Step(string name, string description, Func<RootChanges, Task<string[]>> step)
    {
        var command = new Command(name, description);
        command.SetAction((_, _) => Run(step));
        return command;
    }

    private static Option<bool> DryRun() => new("--dry-run") { Description = "Reports what it would do, and changes nothing." };

    private static async Task Run(Func<RootChanges, Task<string[]>> step)
    {
        var settings = StorageHost.ReadSettings();
        using var loggers = LoggerFactory.Create(logging => logging.LogToStandardError(settings.Log));
        var roots = new RootChanges(settings.ToStorageOptions(), settings.OtherRoot, TimeProvider.System, loggers);
        foreach (var line in await step(roots))
        {
            await Console.Out.WriteLineAsync(line);
        }
    }

    private static string[] Table(RootReport report)
    {
        List<string[]> rows = [["ROOT", "KEKS", "STATE", "SILOS", "OPENS HERE", "PLACE"]];
        rows.AddRange(report.Roots.Select(root => (string[])[
            root.Id, FormattableString.Invariant($"{root.Wraps}/{report.Keks}"), root.State,
            FormattableString.Invariant($"{root.Silos}"), root.Opens, root.Description]));
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        return
        [
            .. rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()),
            .. report.Remarks,
        ];
    }
}
