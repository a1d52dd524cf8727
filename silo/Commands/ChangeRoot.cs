using OrleansKms.Grains.Root;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Changes the root of trust while silos serve: add, verify, switch, remove. The switch itself is the silos' settings and a rolling
/// restart. An embedded database is one process's at a time, so there the service is stopped for it.
/// </summary>
internal static class ChangeRoot
{
    private const string DryRun = "--dry-run";
    private const string Create = "--create";
    private const string Words = "list | add [--create] [--dry-run] | verify [ID] | remove ID [--dry-run] | rotate [--dry-run] | destroy ID [--dry-run] | accept [--dry-run]";

    /// <summary>The command.</summary>
    public static Command Command { get; } = new("root", Words, "changes the root key", Run);

    private static async Task Run(IReadOnlyList<string> options)
    {
        var call = Parse(options);
        var settings = StorageHost.ReadSettings();
        using var loggers = LoggerFactory.Create(logging => logging.LogToStandardError(settings.Log));
        var roots = new RootChanges(settings.ToStorageOptions(), settings.OtherRoot, TimeProvider.System, loggers);
        foreach (var line in await call(roots))
        {
            await Console.Out.WriteLineAsync(line);
        }
    }

    private static Func<RootChanges, Task<string[]>> Parse(IReadOnlyList<string> options)
    {
        var flags = options.Skip(1).Where(o => o.StartsWith('-')).ToList();
        var ids = options.Skip(1).Where(o => !o.StartsWith('-')).ToList();
        var isDryRun = flags.Remove(DryRun);
        switch (options is [var word, ..] ? word : null, ids)
        {
            case ("list", []) when flags.Count == 0 && !isDryRun:
                return async roots => Table(await roots.List(CancellationToken.None));
            case ("add", []):
                var mayMake = flags.Remove(Create);
                if (flags.Count > 0) break;
                return roots => roots.Add(mayMake, isDryRun, CancellationToken.None);
            case ("verify", [] or [_]) when flags.Count == 0 && !isDryRun:
                return roots => roots.Verify(ids is [var id] ? id : null, CancellationToken.None);
            case ("remove", [var id]) when flags.Count == 0:
                return roots => roots.Remove(id, isDryRun, CancellationToken.None);
            case ("rotate", []) when flags.Count == 0:
                return roots => roots.Rotate(isDryRun, CancellationToken.None);
            case ("destroy", [var id]) when flags.Count == 0:
                return roots => roots.Destroy(id, isDryRun, CancellationToken.None);
            case ("accept", []) when flags.Count == 0:
                return roots => roots.Accept(isDryRun, CancellationToken.None);
        }

        throw new UsageException($"root takes: {Words}.");
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
