using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// The arguments of the program. Without any it serves, and none of this is loaded; an argument must be a command or ask for help,
/// so that a misspelt word never starts a silo.
/// </summary>
internal static class CommandLine
{
    private const string NotKnown = " is not known here.";

    /// <summary>Runs what the arguments ask for.</summary>
    /// <param name="root">The program and its commands.</param>
    /// <param name="arguments">One or more.</param>
    /// <returns>The process's exit code: <see cref="StartGuard.Refused"/> for unknown arguments.</returns>
    public static Task<int> Run(RootCommand root, string[] arguments)
    {
        // A command ends at once when it is told to, like any program: its work is a transaction, or can be repeated.
        return StartGuard.Run(() => Parse(root, arguments).InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }));
    }

    /// <summary>Parses arguments.</summary>
    /// <exception cref="UsageException">They are not understood.</exception>
    public static ParseResult Parse(RootCommand root, string[] arguments)
    {
        RefuseOptionsAsArguments(root);
        // @FILE is a value of verbs, and no file with more arguments.
        var call = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        return call.Action is ParseErrorAction error ? throw new UsageException(Problem(call, error)) : call;
    }

    // The library takes an unknown option for the missing argument. A dash alone is an argument: standard input or output.
    private static void RefuseOptionsAsArguments(Command command)
    {
        foreach (var argument in command.Arguments)
        {
            argument.Validators.Add(given =>
            {
                foreach (var token in given.Tokens.Where(token => token.Value is ['-', _, ..])) given.AddError($"{token.Value}{NotKnown}");
            });
        }

        foreach (var inner in command.Subcommands) RefuseOptionsAsArguments(inner);
    }

    private static string Problem(ParseResult call, ParseErrorAction error)
    {
        var command = string.Join(' ', Path(call.CommandResult.Command));
        // What comes after an unknown option may be a secret, and is not repeated.
        if (call.Errors.FirstOrDefault(e => e.SymbolResult is ArgumentResult && e.Message.EndsWith(NotKnown, StringComparison.Ordinal)) is { } refused)
        {
            return $"{refused.Message} For what there is: {command} --help";
        }

        return call.UnmatchedTokens is [var unknown, ..]
            ? $"{unknown}{NotKnown}{Suggestion(call, error, unknown)} For what there is: {command} --help"
            : $"{string.Join(' ', call.Errors.Select(e => e.Message))} For what there is: {command} --help";
    }

    // The library finds similar words, and writes them one a line below a question.
    private static string Suggestion(ParseResult call, ParseErrorAction error, string unknown)
    {
        using var written = new StringWriter();
        using var errors = new StringWriter();
        error.ShowHelp = false;
        call.Invoke(new InvocationConfiguration { Output = written, Error = errors });
        var like = written.ToString().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.EndsWith('?') && line.StartsWith('-') == unknown.StartsWith('-') && line.Length > "-h".Length)
            .Distinct(StringComparer.Ordinal).ToList();
        return like.Count == 0 ? "" : $" Did you mean {string.Join(" or ", like)}?";
    }

    private static IEnumerable<string> Path(Symbol command) =>
        command.Parents.FirstOrDefault() is { } parent ? Path(parent).Append(command.Name) : [OkmsCommand.Name];
}
