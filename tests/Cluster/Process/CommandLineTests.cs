using OrleansKms.Configuration;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Arguments of the programs: what is not a command never starts one.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("start is not known here. For what there is: okms --help", "start")]
    [InlineData("rot is not known here. Did you mean root?", "rot")]
    [InlineData("ad is not known here. Did you mean add? For what there is: okms root --help", "root", "ad")]
    [InlineData("Required command was not provided.", "root")]
    [InlineData("help is not known here.", "create-administrator", "help")]
    [InlineData("--repalce is not known here. Did you mean --replace?", "create-administrator", "--repalce")]
    [InlineData("--token-file", "create-administrator", "--token-file")]
    [InlineData("ID", "root", "destroy", "--dry-run")]
    [InlineData("now is not known here. For what there is: okms migrate --help", "migrate", "now")]
    [InlineData("PORT=8080 is not known here.", "PORT=8080")]
    public async Task UnknownWord_IsRefusedInOneLine(string reason, params string[] arguments)
    {
        using var directory = new TemporaryDirectory();
        var (code, output, errors) = await ServiceProcess.Command(directory.Path, arguments);
        Assert.Equal((StartGuard.Refused, ""), (code, output));
        var line = Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("okms: ", line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    [Theory]
    [InlineData("--help", "serve", "gateway", "create-administrator", "root", "restore-epoch", "remove-hsm-orphans", "healthcheck", "settings", "completion")]
    [InlineData("root --help", "list", "add", "verify", "remove", "rotate", "destroy", "accept")]
    public async Task Help_ListsWhatThereIs(string arguments, params string[] listed)
    {
        using var directory = new TemporaryDirectory();
        var (code, output, errors) = await ServiceProcess.Command(directory.Path, arguments.Split(' '));
        Assert.Equal((0, ""), (code, errors));
        Assert.All(listed, word => Assert.Contains($"\n  {word} ", output, StringComparison.Ordinal));
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public async Task Settings_OfAGateway_AreThoseThatItTakes()
    {
        using var directory = new TemporaryDirectory();
        var (code, output, _) = await ServiceProcess.Command(directory.Path, ["settings", "--gateway"]);
        Assert.Equal(0, code);
        Assert.Equal(
            SettingTable.All.Where(setting => setting.Taker == SettingTaker.SiloAndGateway).Select(setting => setting.Name),
            output.Split('\n').Where(line => line.Length > 0 && !line.StartsWith(' ')));
    }

    [Theory]
    [InlineData("okms roo", "root")]
    [InlineData("okms root --dry-run rem", "remove")]
    [InlineData("okms create-administrator --rep", "--replace")]
    [InlineData("okms create-administrator ", "")]
    public async Task Completion_InBash_OffersWhatMayFollow(string line, string offered)
    {
        using var directory = new TemporaryDirectory();
        var (code, output, errors) = await ReadmeTests.Bash(directory.Path, $$"""
            printf '#!/bin/sh\nexec dotnet "{{ServiceProcess.ProgramPath(ServiceProcess.Program)}}" "$@"\n' >okms
            chmod +x okms
            PATH=$PWD:$PATH
            source <(okms completion bash)
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}} COMP_WORDS=({{string.Join(' ', line.Split(' ').Select(word => $"'{word}'"))}})
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _okms
            echo "${COMPREPLY[*]-}"
            """);
        Assert.Equal((0, offered, ""), (code, output.TrimEnd(), errors));
    }

    /// <summary>In zsh's own completion, at a terminal: a key completes the word before the cursor and prints the line.</summary>
    [ZshFact]
    public async Task Completion_InZsh_CompletesCommandsOptionsAndFiles()
    {
        (string Line, string Completed)[] expected =
        [
            ("okms roo", "okms root "), ("okms keys cre", "okms keys create "), ("okms root --dry-run rem", "okms root --dry-run remove "),
            ("okms create-administrator --rep", "okms create-administrator --replace "), ("okms keys create --tag x=y --rotate-e", "okms keys create --tag x=y --rotate-every "),
            ("okms --hel", "okms --help "), ("./okms roo", "./okms root "), ("okms encrypt-file \"a b\" --reci", "okms encrypt-file \"a b\" --recipient "),
            ("okms encrypt-file onl", "okms encrypt-file only.txt "),
        ];
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.Of("only.txt"), "");
        await File.WriteAllLinesAsync(directory.Of("lines"), expected.Select(one => one.Line));
        var (code, output, errors) = await ReadmeTests.Bash(directory.Path, $$"""
            printf '#!/bin/sh\nexec dotnet "{{ServiceProcess.ProgramPath(ServiceProcess.Program)}}" "$@"\n' >okms
            chmod +x okms
            export PATH=$PWD:$PATH
            zsh -f <<'ZSH'
            zmodload zsh/zpty
            zpty z zsh -f -i
            zpty -w z 'PS1= PS2= RPS1=; autoload -Uz compinit; compinit -D -u; source <(okms completion zsh)'
            zpty -w z 'show() { zle complete-word; print -r -- "{$BUFFER}"; BUFFER= }; zle -N show; bindkey "^X" show; print re""ady'
            zpty -r -m z seen '*ready*'
            while IFS= read -r line; do
              zpty -n -w z "$line"$'\x18'
              zpty -r -m z seen '*{*}*'
              print -r -- "${${seen##*\{}%%\}*}"
            done <lines
            zpty -d z
            ZSH
            """);
        Assert.True(code == 0, errors);
        Assert.Equal(expected.Select(one => one.Completed), output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private sealed class ZshFactAttribute : FactAttribute
    {
        public ZshFactAttribute() => Skip = File.Exists("/usr/bin/zsh") ? null : "There is no zsh: completion in it was NOT tried.";
    }
}
