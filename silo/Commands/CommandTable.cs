namespace OrleansKms.Silo.Commands;

/// <summary>All commands. Without one the program is a silo.</summary>
internal static class CommandTable
{
    private static readonly Command[] _commands =
    [
        CreateAdministrator.Command, CreateMetricsToken.Command, Migrate.Command, BeginRestoreEpoch.Command, RaiseFeatureLevel.Command, ChangeRoot.Command,
        HsmOrphansCommand.List, HsmOrphansCommand.Remove,
    ];

    /// <summary>Whether the arguments ask for a command; options of the host begin with a dash or set a value.</summary>
    public static bool IsAskedBy(string[] arguments) =>
        arguments.Length > 0 && !arguments[0].StartsWith('-') && !arguments[0].Contains('=', StringComparison.Ordinal);

    /// <summary>Runs the command that the arguments ask for.</summary>
    /// <exception cref="UsageException">There is no such command.</exception>
    public static Task Run(string[] arguments)
    {
        var command = Array.Find(_commands, c => c.Name == arguments[0])
            ?? throw new UsageException($"There is no command {arguments[0]}. There are: {string.Join("; ", _commands.Select(Describe))}.");
        return command.Run(arguments[1..]);
    }

    private static string Describe(Command command) =>
        $"{command.Name}{(command.Usage.Length > 0 ? " " : "")}{command.Usage} ({command.Summary})";
}
