using System.CommandLine;
using OrleansKms.Silo.Verbs;

namespace OrleansKms.Silo.Commands;

/// <summary>The program's command line. Making it runs no code of a service: what a command needs is loaded when it runs.</summary>
internal static class OkmsCommand
{
    /// <summary>The program's name, in help and in messages, whatever its file is called.</summary>
    public const string Name = "okms";

    /// <summary>Runs the command that the arguments name.</summary>
    /// <returns>The process's exit code.</returns>
    public static Task<int> Run(string[] arguments) => CommandLine.Run(Make(arguments), arguments);

    /// <summary>Makes the root command.</summary>
    /// <param name="arguments">The arguments: verbs that they do not name are made without what is below them. Null makes all.</param>
    /// <param name="context">What verbs touch of the process.</param>
    internal static RootCommand Make(string[]? arguments = null, VerbContext? context = null)
    {
        context ??= new();
        CommandSection[] sections =
        [
            new("Serve", [ServeCommands.ServeCommand(), ServeCommands.GatewayCommand()]),
            new("Work with keys, over HTTP", WorkVerbs.Commands(arguments, context)),
            new("Operate, with the settings of the service",
            [
                CreateAdministrator.Command(), CreateMetricsToken.Command(), Migrate.Command(), BeginRestoreEpoch.Command(), RaiseFeatureLevel.Command(),
                HsmOrphansCommand.List(), HsmOrphansCommand.Remove(), HealthCheck.Command(), SettingsCommand.Command(), .. WorkVerbs.Shared(arguments, context),
            ]),
            new("Your shell", [CompletionCommand.Command()]),
        ];
        var root = new RootCommand("OrleansKms, a key management service. Without a command it serves.") { HelpName = Name };
        foreach (var command in sections.SelectMany(section => section.Commands)) root.Add(command);
        SectionedHelp.AddTo(root, sections);
        return root;
    }
}
