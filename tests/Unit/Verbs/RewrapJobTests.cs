using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Rewrap;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>A run of rewrap against a service that is made up: what comes out, and what a run that ended before its time leaves.</summary>
public sealed class RewrapJobTests : RewrapTest
{
    [Fact]
    public async Task EveryLine_ComesOutOnce_InOrder_WithEverythingElseAsItWas()
    {
        var lines = Enumerable.Range(0, 2500).Select(i => i % 100 == 7 ? "" : Line(i, $$""" "n":{{i}}.0,""")).ToList();
        await Run(lines, options: o => o with { Batch = 300 });
        Assert.Equal(lines.Select(Rewrapped), File.ReadAllLines(Output));
        Assert.Equal([Of("in.jsonl"), Output], Directory.GetFiles(Folder).Order(StringComparer.Ordinal));
        Assert.All(Calls, call => Assert.InRange(call.Items, 1, 300));
        Assert.Equal((2475, 9), (Calls.Sum(call => call.Items), Calls.Count));
    }

    [Fact]
    public async Task KeyWithManyCiphertexts_IsCalledItself_AndKeysWithFew_Together()
    {
        await Run([.. Enumerable.Range(0, 100).Select(i => Line(i, "", i < 40 ? "many" : $"key-{i % 30}"))]);
        Assert.Equal([("v1/batch", 60), ("v1/keys/many/rewrap", 40)], Calls.OrderBy(call => call.Path, StringComparer.Ordinal));
    }

    [Fact]
    public async Task WhatFails_StaysAsItWas_AndIsReportedByItsLine()
    {
        var lines = Enumerable.Range(0, 100).Select(i => Line(i)).ToList();
        lines[10] = "no json";
        lines[20] = """{"ciphertext":"AAAA"}""";
        lines[30] = Line(30, "", "gone");
        lines[40] = Line(40, "", "denied");
        var done = await Run(lines, Service(item => KeyOf(item) switch { "gone" => "key_not_found", "denied" => "permission_denied", _ => NumberOf(item) == 50 ? "invalid_ciphertext" : null }));
        Assert.Equal((95, 5, 0), (done.Rewrapped, done.Failed, done.Kept));
        int[] failed = [10, 20, 30, 40, 50];
        Assert.Equal(lines.Select((line, i) => failed.Contains(i) ? line : Rewrapped(line)), File.ReadAllLines(Output));
        Assert.Equal(
            ["11 invalid_line ", "21 invalid_ciphertext ", "31 key_not_found gone", "41 permission_denied denied", "51 invalid_ciphertext k"],
            File.ReadLines(Report).Select(line => JsonNode.Parse(line)!).Select(failure => $"{failure["line"]} {failure["code"]} {failure["key_id"]}"));
    }

    [Fact]
    public async Task WholeCallRefused_IsTheAnswerOfItsKey_OrOfTheOneRecordThatCausesIt()
    {
        var lines = Enumerable.Range(0, 200).Select(i => Line(i, "", i < 100 ? "disabled" : "k")).ToList();
        var done = await Run(lines, (call, cancellation) =>
        {
            var items = ItemsOf(call);
            if (call.Path.Contains("/disabled/", StringComparison.Ordinal)) throw new VerbException("key_disabled", "The key is disabled.", ExitCode.Refused);
            if (items.Exists(item => NumberOf(item) == 150)) throw new VerbException("payload_too_large", "Too large.", ExitCode.Refused);
            return Answer(call, _ => null);
        });
        Assert.Equal((99, 101), (done.Rewrapped, done.Failed));
        Assert.Equal("payload_too_large", (string)JsonNode.Parse(File.ReadLines(Report).Last())!["code"]!);
        Assert.Single(Calls, call => call.Path.Contains("/disabled/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task BusyService_IsAskedAgain_AfterTheTimeThatItNames_AndOnlyForTheRest()
    {
        var (refusals, busy) = (0, new ConcurrentDictionary<int, bool>());
        var lines = Enumerable.Range(0, 50).Select(i => Line(i)).ToList();
        var done = await Run(lines, (call, cancellation) => refusals++ switch
        {
            0 => throw new VerbException("overloaded", "Later.", ExitCode.TryLater) { RetryAfter = TimeSpan.FromSeconds(42) },
            1 => throw new VerbException("unreachable", "Nobody.", ExitCode.Unreachable),
            // Every second record once.
            _ => Answer(call, item => NumberOf(item) % 2 == 0 && busy.TryAdd(NumberOf(item), true) ? "rate_limited" : null),
        });
        Assert.Equal((50, 0), (done.Rewrapped, done.Failed));
        Assert.Equal([50, 50, 50, 25], Calls.Select(call => call.Items));
        Assert.Equal(3, Time.Waits.Count);
        Assert.InRange(Time.Waits.First(), TimeSpan.FromSeconds(42), TimeSpan.FromSeconds(42 * 1.25));
    }

    [Fact]
    public async Task ServiceThatStaysAway_EndsTheRun_WhichGoesOnLater()
    {
        var lines = Enumerable.Range(0, 100).Select(i => Line(i)).ToList();
        var calls = 0;
        var failure = await Assert.ThrowsAsync<VerbException>(() => Run(
            lines, (call, _) => calls++ < 3 ? Answer(call, _ => null) : throw new VerbException("unavailable", "Down.", ExitCode.TryLater), o => o with { Batch = 20, Concurrency = 1 }));
        Assert.Equal(("unavailable", false), (failure.Code, File.Exists(Output)));
        Assert.InRange(Time.Waits.Sum(wait => wait.TotalSeconds), 60, 120);
        Assert.Equal(60, RewrapProgress.Read(Output + ".progress").Lines);

        Calls.Clear();
        await Run(lines, options: o => o with { Batch = 20 });
        Assert.Equal(40, Calls.Sum(call => call.Items));
        Assert.Equal(lines.Select(Rewrapped), File.ReadAllLines(Output));
    }

    [Fact]
    public async Task TokenThatIsNotKnown_EndsTheRunAtOnce()
    {
        var failure = await Assert.ThrowsAsync<VerbException>(() => Run(
            [Line(1)], (_, _) => throw new VerbException("unauthenticated", "Who?", ExitCode.Permission)));
        Assert.Equal("unauthenticated", failure.Code);
        Assert.Empty(Time.Waits);
    }

    [Fact]
    public async Task RunCutOffAnywhere_HasEachRecordOnce_InTheEnd()
    {
        var lines = Enumerable.Range(0, 500).Select(i => i % 50 == 3 ? "no json" : Line(i)).ToList();
        File.WriteAllLines(Of("in.jsonl"), lines);
        for (var run = 0; run < 30 && !File.Exists(Output); run++)
        {
            var left = 2 + (run % 3);
            await Record.ExceptionAsync(() => Run(
                null, (call, _) => left-- > 0 ? Answer(call, _ => null) : throw new IOException("cut off"), o => o with { Batch = 20, Checkpoint = 30 }));
            // What a kill leaves behind what the progress speaks of: written, and on the disk perhaps.
            if (File.Exists(Output)) break;
            File.AppendAllText(Output + ".part", "{\"ciphertext\":\"half a li");
            File.AppendAllText(Report, "{\"line\":");
        }

        Assert.Equal(lines.Select(line => line == "no json" ? line : Rewrapped(line)), File.ReadAllLines(Output));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (i * 50) + 4), File.ReadLines(Report).Select(line => (int)JsonNode.Parse(line)!["line"]!));
    }

    [Fact]
    public async Task ChangedInput_OtherOptions_AndStrangeFiles_AreNotGoneOnWith()
    {
        var lines = Enumerable.Range(0, 100).Select(i => Line(i)).ToList();
        var calls = 0;
        await Record.ExceptionAsync(() => Run(lines, (call, _) => calls++ < 2 ? Answer(call, _ => null) : throw new IOException("cut off"), o => o with { Batch = 10, Concurrency = 1 }));
        Assert.Contains("other options", Assert.Throws<VerbException>(() => RewrapFiles.Open(Options() with { Meaning = "another" })).Message, StringComparison.Ordinal);
        File.WriteAllLines(Of("in.jsonl"), [Line(101), .. lines.Skip(1)]);
        Assert.Contains("not what it was", Assert.Throws<VerbException>(() => RewrapFiles.Open(Options())).Message, StringComparison.Ordinal);
        File.WriteAllLines(Of("in.jsonl"), lines);
        var part = File.ReadAllBytes(Output + ".part");
        File.WriteAllBytes(Output + ".part", part[..^1]);
        Assert.Contains("shorter", Assert.Throws<VerbException>(() => RewrapFiles.Open(Options())).Message, StringComparison.Ordinal);

        await Run(null, options: o => o with { Restarts = true });
        Assert.Equal(lines.Select(Rewrapped), File.ReadAllLines(Output));
        Assert.Contains("exists already", Assert.Throws<VerbException>(() => RewrapFiles.Open(Options())).Message, StringComparison.Ordinal);
        await Run(null, options: o => o with { Replaces = true });
        Assert.Equal(lines.Select(Rewrapped), File.ReadAllLines(Output));
    }

    [Fact]
    public async Task CiphertextsOfThePrimaryVersion_StayIfToldSo_AlsoAfterARotation()
    {
        var primary = 3;
        var lines = Enumerable.Range(0, 60).Select(i => Line(i, "", "k", version: (byte)(i % 5 + 1))).ToList();
        var done = await Run(
            lines,
            (call, _) =>
            {
                if (call.Method != HttpMethod.Get)
                {
                    // So long that what was known of the key is old.
                    Time.Advance(TimeSpan.FromSeconds(11));
                    return Answer(call, _ => null);
                }

                var id = call.Path == "v1/keys/k" ? "k" : "another";
                return Task.FromResult(new ServiceAnswer(200, Encoding.UTF8.GetBytes($$"""{"id":"{{id}}","primary_version":{{Math.Min(primary++, 4)}}}""")));
            },
            o => o with { KeepsPrimary = true, Batch = 5, Concurrency = 1 });
        Assert.Equal((48, 12), (done.Rewrapped, done.Kept));
        // The key rotated after the first batch.
        Assert.Equal(lines.Select((line, i) => i % 5 == (i < 5 ? 2 : 3) ? line : Rewrapped(line)), File.ReadAllLines(Output));
    }
}
