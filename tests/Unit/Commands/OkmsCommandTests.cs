using System.CommandLine;
using OrleansKms.Silo.Commands;

namespace OrleansKms.Tests.Unit.Commands;

/// <summary>The program's command line, without running any of its commands.</summary>
public sealed class OkmsCommandTests
{
    private static readonly RootCommand _root = OkmsCommand.Make();

    public static TheoryData<string> Commands => new(All(_root).Select(PathOf));

    [Fact]
    public void Help_ListsEveryCommandOnce_UnderItsSection()
    {
        var help = Output("--help");
        Assert.All((string[])["Serve:", "Operate, with the settings of the service:", "Your shell:"], heading => Assert.Contains($"\n{heading}\n", help, StringComparison.Ordinal));
        Assert.All(_root.Subcommands, command => Assert.Single(help.Split('\n'), line => line.StartsWith($"  {command.Name} ", StringComparison.Ordinal)));
        Assert.Contains("\n  okms [command] [options]\n", help, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_OfEachCommand_SaysWhatItDoesAndTakes(string path)
    {
        var command = All(_root).Single(command => PathOf(command) == path);
        Assert.All(
            new Symbol[] { command }.Concat(command.Options).Concat(command.Arguments),
            symbol => Assert.False(string.IsNullOrWhiteSpace(symbol.Description), $"{path}: {symbol.Name} has no description"));
        var help = Output([.. path.Split(' '), "--help"]);
        Assert.Contains(command.Description!.Split(' ')[0], help, StringComparison.Ordinal);
        Assert.Contains($"  okms {path}", help, StringComparison.Ordinal);
        Assert.All(command.Options, option => Assert.Contains(option.Name, help, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("okms roo", "root", "migrate")]
    [InlineData("okms root ver", "verify", "rotate")]
    [InlineData("okms create-administrator --rep", "--replace", "--token-file")]
    [InlineData("okms completion ", "zsh", "root")]
    [InlineData("okms keys create --tag a=b --rot", "--rotate-every", "--spec")]
    [InlineData("okms keys create --tag a=b --tag c=d ", "--spec", "keys")]
    [InlineData("okms keys create --tag ", "", "--spec")]
    [InlineData("okms encrypt-file report.pdf --recipient k --cipher ", "aes-256-gcm", "--aad")]
    public void Suggestions_AreWhatMayFollow(string line, string offered, string other)
    {
        var suggestions = Output($"[suggest:{line.Length}]", line).Split('\n');
        Assert.Contains(offered, suggestions);
        Assert.DoesNotContain(other, suggestions);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _okms okms")]
    [InlineData("zsh", "compdef _okms okms")]
    public void Completion_IsAScript(string shell, string line) => Assert.Contains(line, Output("completion", shell), StringComparison.Ordinal);

    private static string Output(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        Assert.Equal(0, _root.Parse(arguments).Invoke(new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false }));
        return output.ToString();
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(inner => All(inner).Prepend(inner));

    private static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent and not RootCommand ? $"{PathOf(parent)} {command.Name}" : command.Name;
}
