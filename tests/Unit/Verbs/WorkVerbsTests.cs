using System.CommandLine;
using System.Text.Json;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Keys;
using OrleansKms.Tests.Unit.Contracts;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>The verbs as a whole, and what the page about them says.</summary>
public sealed class WorkVerbsTests
{
    private static readonly string _page = File.ReadAllText(Path.Combine(DocumentsTests.Root, "silo", "Verbs", "README.md"));

    [Fact]
    public void EveryVerb_IsOnThePage_AndSaysWhatItDoes() => Assert.All(Leaves(), leaf =>
    {
        Assert.Matches(@"^[A-Z].*\.$", leaf.Command.Description);
        Assert.All(leaf.Command.Options, option => Assert.Matches(@"\.$|\?$", option.Description));
        Assert.Contains($"`{leaf.Name}", _page, StringComparison.Ordinal);
    });

    [Fact]
    public void EveryVerb_TakesNoTokenOnItsCommandLine() => Assert.All(Leaves(), leaf =>
        Assert.DoesNotContain(leaf.Command.Options, option => option.Name is "--token" or "--password"));

    [Fact]
    public void ExitCodes_AreThoseOfThePage()
    {
        var codes = typeof(ExitCode).GetFields().ToDictionary(field => field.Name, field => (int)field.GetRawConstantValue()!);
        Assert.Equal(codes.Values.Order(), System.Text.RegularExpressions.Regex.Matches(_page, @"^\| (\d+) \|", System.Text.RegularExpressions.RegexOptions.Multiline)
            .Select(row => int.Parse(row.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Verbs_ThatAreNotAskedFor_AreNotMade()
    {
        var commands = WorkVerbs.Commands(["keys", "list"], new VerbContext());
        Assert.All(commands, command => Assert.Equal(command.Name == "keys", command.Subcommands.Count > 0 || command.Arguments.Count > 0));
        Assert.All(WorkVerbs.Commands(["[suggest:3]", "okms k"], new VerbContext()), command => Assert.True(command.Subcommands.Count > 0 || command.Options.Count > 0));
    }

    [Theory]
    [InlineData("2026-01-01T00:00:00Z", null, true)]
    [InlineData("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", true)]
    [InlineData("2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z", false)]
    [InlineData("2026-05-01T00:00:00Z", null, false)]
    public void Unused_IsWhatIsOldEnough_AndWasNotUsedSince(string created, string? used, bool unused)
    {
        var uses = used is null ? "null" : $"\"{used}\"";
        var key = JsonDocument.Parse($$"""{"id":"k","created_at":"{{created}}","uses": { "last_used_at": {{uses}} } }""").RootElement;
        Assert.Equal(unused, UnusedVerb.IsUnused(key, new(2026, 4, 1, 0, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void Unused_IsNotWhatCouldNotBeAsked() =>
        Assert.False(UnusedVerb.IsUnused(JsonDocument.Parse("""{"id":"k","error":{"code":"timeout"}}""").RootElement, DateTimeOffset.UtcNow));

    private static IEnumerable<(string Name, Command Command)> Leaves() =>
        WorkVerbs.Commands(null, new VerbContext()).Concat(WorkVerbs.Shared(null, new VerbContext())).SelectMany(command => Leaves("", command));

    private static IEnumerable<(string Name, Command Command)> Leaves(string path, Command command) => command.Subcommands.Count == 0
        ? [(path + command.Name, command)]
        : command.Subcommands.SelectMany(inner => Leaves(path + command.Name + " ", inner));
}
