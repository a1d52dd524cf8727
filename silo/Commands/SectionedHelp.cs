using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace OrleansKms.Silo.Commands;

/// <summary>The program's help, by section: the library would list all its commands in one. Help of a command is the library's.</summary>
internal sealed class SectionedHelp : SynchronousCommandLineAction
{
    private const int Gap = 2;

    private readonly IReadOnlyList<CommandSection> _sections;
    private readonly SynchronousCommandLineAction _ofCommand;

    private SectionedHelp(IReadOnlyList<CommandSection> sections, SynchronousCommandLineAction ofCommand) => (_sections, _ofCommand) = (sections, ofCommand);

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Makes a program say its help by section.</summary>
    public static void AddTo(RootCommand root, IReadOnlyList<CommandSection> sections)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new SectionedHelp(sections, (SynchronousCommandLineAction)help.Action!);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is not RootCommand root) return _ofCommand.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        output.WriteLine($"{root.Description}\n\nUsage:\n  {OkmsCommand.Name} [command] [options]");
        var width = _sections.SelectMany(section => section.Commands).Concat<Symbol>(root.Options).Max(symbol => Names(symbol).Length) + Gap;
        foreach (var section in _sections.Where(section => section.Commands.Count > 0)) Write(section.Heading, section.Commands);
        Write("Options", root.Options);
        output.WriteLine($"\nWhat a command takes: {OkmsCommand.Name} COMMAND --help");
        return 0;

        void Write(string heading, IEnumerable<Symbol> symbols)
        {
            output.WriteLine($"\n{heading}:");
            foreach (var symbol in symbols.Where(symbol => !symbol.Hidden)) output.WriteLine($"  {Names(symbol).PadRight(width)}{symbol.Description}");
        }
    }

    private static string Names(Symbol symbol) => symbol is Option { Name: var name, Aliases: var aliases }
        ? string.Join(", ", aliases.Where(alias => alias.StartsWith('-')).Append(name).Distinct().OrderBy(one => one.Length))
        : symbol.Name;
}
