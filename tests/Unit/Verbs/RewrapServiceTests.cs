using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Rewrap;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>What a run of rewrap makes of records and answers that are not as they should be: one does not stop the others.</summary>
public sealed class RewrapServiceTests : RewrapTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LineWhoseKeyCanBeNone_FailsAlone(bool keepsPrimary)
    {
        string[] keys = ["bad id!", "", "..", "alias:", "alias:..", "a/b", "alias:alias:a", new string('a', 129)];
        var lines = keys.SelectMany(key => Enumerable.Repeat(key, 20)).Concat(["k", "alias:a"]).Select((key, i) => Line(i, $"\"key\":{JsonValue.Create(key).ToJsonString()},")).ToList();
        var done = await Run(
            lines, (call, _) => call.Method == HttpMethod.Get ? Described(2) : Answer(call, _ => null),
            o => o with { KeepsPrimary = keepsPrimary, Format = new JsonLinesFormat(new("ciphertext", null, "key", false)) });
        Assert.Equal((2, 160), (done.Rewrapped, done.Failed));
        Assert.All(File.ReadLines(Report), line => Assert.Equal("invalid_key_id", (string?)JsonNode.Parse(line)!["code"]));
        Assert.Equal([.. lines[..160], .. lines[160..].Select(Rewrapped)], File.ReadAllLines(Output));
    }

    [Theory]
    [InlineData("permission_denied", ExitCode.Permission)]
    [InlineData("key_not_found", ExitCode.NotFound)]
    [InlineData("invalid_key_id", ExitCode.Refused)]
    public async Task KeyThatTheServiceDoesNotShow_FailsIfItsRewrapDoes_AndTheOthersMove(string code, int exit)
    {
        var lines = Enumerable.Range(0, 100).Select(i => Line(i, "", i % 2 == 0 ? "mine" : i < 50 ? "theirs" : "hidden")).ToList();
        var done = await Run(
            lines,
            (call, _) => call switch
            {
                { Path: "v1/keys/mine" } => Described(1, "mine"),
                { Body: null } => throw new VerbException(code, "No.", exit),
                _ => Answer(call, item => KeyOf(item) == "theirs" ? code : null),
            },
            o => o with { KeepsPrimary = true, Batch = 7 });
        Assert.Equal((50, 25, 25), (done.Kept, done.Failed, done.Rewrapped));
        Assert.All(File.ReadLines(Report), line => Assert.Equal((code, "theirs"), ((string)JsonNode.Parse(line)!["code"]!, (string)JsonNode.Parse(line)!["key_id"]!)));
    }

    [Fact]
    public async Task PrimaryVersion_IsAskedForAgain_WhileTheServiceIsAway()
    {
        var asked = 0;
        var done = await Run(
            [Line(1), Line(2, version: 2)],
            (call, _) => call.Method != HttpMethod.Get ? Answer(call, _ => null)
                : asked++ < 3 ? throw new VerbException("unreachable", "Nobody.", ExitCode.Unreachable) : Described(2),
            o => o with { KeepsPrimary = true });
        Assert.Equal((1, 1, 4), (done.Rewrapped, done.Kept, asked));

        var failure = await Assert.ThrowsAsync<VerbException>(() => Run(
            [Line(1)], (_, _) => throw new VerbException("unauthenticated", "Who?", ExitCode.Permission), o => o with { KeepsPrimary = true, Replaces = true }));
        Assert.Equal("unauthenticated", failure.Code);
    }

    [Fact]
    public async Task TimeThatTheServiceNames_IsNotWaitedFor_IfItIsLongerThanThePatience()
    {
        var failure = await Assert.ThrowsAsync<VerbException>(() => Run(
            [Line(1)], (_, _) => throw new VerbException("overloaded", "Tomorrow.", ExitCode.TryLater) { RetryAfter = TimeSpan.FromHours(24) }));
        Assert.Equal("overloaded", failure.Code);
        Assert.Empty(Time.Waits);

        // Together with what was waited before.
        await Assert.ThrowsAsync<VerbException>(() => Run(
            null, (_, _) => throw new VerbException("overloaded", "Soon.", ExitCode.TryLater) { RetryAfter = TimeSpan.FromSeconds(40) }));
        Assert.Single(Time.Waits);
    }

    [Theory]
    [InlineData("\"not base64\"")]
    [InlineData("\"AQID\"")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("17")]
    [InlineData("{\"a\":1}")]
    [InlineData("\"AQEAAAABAWs=\\\"\"")]
    public async Task AnswerThatIsNoCiphertext_IsNotWritten(string ciphertext)
    {
        var failure = await Assert.ThrowsAsync<VerbException>(() => Run(
            [Line(1)], (_, _) => Task.FromResult(new ServiceAnswer(200, Encoding.UTF8.GetBytes($$"""{"results":[{"ciphertext":{{ciphertext}}}]}""")))));
        Assert.Equal((ExitCode.Unreachable, "unreadable_answer"), (failure.ExitCode, failure.Code));
        Assert.False(File.Exists(Output));
        Assert.Equal(0, RewrapProgress.Read(Output + ".progress").Lines);
    }

    [Fact]
    public async Task FailedRecord_IsReportedByItsFirstAndLastLine()
    {
        File.WriteAllText(Of("in.jsonl"), "name,ciphertext\n\"a\nb\nc\",*\nx,*\n\"never closed\n1\n2\n");
        var done = await Run(null, options: o => o with { Format = new CsvFormat(new("ciphertext", null, null, false)) });
        Assert.Equal(3, done.Failed);
        Assert.Equal(["2 4", "5 5", "6 8"], File.ReadLines(Report).Select(line => JsonNode.Parse(line)!).Select(line => $"{line["line"]} {line["last_line"]}"));
    }

    private static Task<ServiceAnswer> Described(int primary, string key = "k") =>
        Task.FromResult(new ServiceAnswer(200, Encoding.UTF8.GetBytes($$"""{"id":"{{key}}","primary_version":{{primary}}}""")));
}
