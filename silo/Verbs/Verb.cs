using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace OrleansKms.Silo.Verbs;

/// <summary>Makes verbs: commands that call a service over HTTP.</summary>
internal static class Verb
{
    /// <summary>A verb.</summary>
    /// <param name="context">The process.</param>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it does, in a sentence.</param>
    /// <param name="symbols">Its arguments and options, besides <see cref="CommonOptions"/>.</param>
    /// <param name="action">Does it, and returns the exit code.</param>
    public static Command Of(VerbContext context, string name, string description, IEnumerable<Symbol> symbols, Func<VerbRun, Task<int>> action)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) command.Add(argument);
            else command.Add((Option)symbol);
        }

        context.Options.AddTo(command);
        command.SetAction((call, cancellation) => VerbRun.Run(context, call, action, cancellation));
        return command;
    }

    /// <summary>A noun with its verbs.</summary>
    public static Command Group(string name, string description, params Command[] verbs)
    {
        var command = new Command(name, description);
        foreach (var verb in verbs) command.Add(verb);
        return command;
    }

    /// <summary>The argument that names a key.</summary>
    public static Argument<string> Key() => new("KEY") { Description = "The key: its id, or alias: and a name." };

    /// <summary>The option that names a key version.</summary>
    public static Option<int?> Version(string description) => new("--key-version") { HelpName = "N", Description = description };

    /// <summary>The option that leaves out the question before something that cannot be undone.</summary>
    public static Option<bool> Yes() => new("--yes") { Description = "Does not ask. Without it, the id must be typed on a terminal." };

    /// <summary>A string option.</summary>
    public static Option<string?> Text(string name, string helpName, string description) => new(name) { HelpName = helpName, Description = description };

    /// <summary>A string option that can be repeated.</summary>
    public static Option<string[]> Texts(string name, string helpName, string description)
    {
        var option = new Option<string[]>(name) { HelpName = helpName, Description = description + " Can be repeated." };
        option.CompletionSources.Add(AfterValue);
        return option;
    }

    /// <summary>An option that names a new file for the result. What cannot be written is refused before anything is asked for.</summary>
    /// <param name="context">The process.</param>
    /// <param name="name">The option.</param>
    /// <param name="description">What is written there.</param>
    /// <param name="isBesideJson">Whether the verb prints JSON although it writes the file.</param>
    public static Option<string?> NewFile(VerbContext context, string name, string description, bool isBesideJson = false)
    {
        var option = Text(name, "FILE", description);
        option.Validators.Add(given =>
        {
            if (given.Tokens is not [var file, ..]) return;
            if (!isBesideJson && given.GetValue(context.Options.Json)) given.AddError($"{name} and {context.Options.Json.Name} exclude each other.");
            var path = context.PathOf(file.Value);
            if (Path.Exists(path)) given.AddError($"The file {file.Value} exists already, and is not overwritten.");
            else if (!System.IO.Directory.Exists(Path.GetDirectoryName(path))) given.AddError($"There is no directory for the file {file.Value}.");
        });
        return option;
    }

    /// <summary>A switch.</summary>
    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    /// <summary>A number.</summary>
    public static Option<int?> Number(string name, string helpName, string description) => new(name) { HelpName = helpName, Description = description };

    // As each value of such an option has the option's name in front, the rest of the verb follows a value. The library expects another one.
    private static IEnumerable<CompletionItem> AfterValue(CompletionContext context)
    {
        var tokens = context.ParseResult.Tokens;
        var words = tokens.Count - (context.WordToComplete.Length > 0 ? 1 : 0);
        return words == 0 || tokens[words - 1].Type == TokenType.Option ? [] : context.ParseResult.CommandResult.Command.GetCompletions(context);
    }
}
