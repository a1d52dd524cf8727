using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>The verb <c>unused</c>: keys that nothing has used, so that somebody can ask whether they are still needed.</summary>
internal static class UnusedVerb
{
    /// <summary>The verb.</summary>
    public static Command Command(VerbContext context)
    {
        var since = Verb.Text("--since", "DURATION", "Not used for so long, and at least that old: P90D by default. Or a time, as 2026-01-31T00:00:00Z.");
        var prefix = Verb.Text("--prefix", "TEXT", "Only ids that begin with this.");
        var pages = new Pages();
        return Verb.Of(context, "unused", "", [since, prefix, .. pages.Options], async run =>
        {
            var from = From(run.Get(since) ?? "P90D", run.Context.Time.GetUtcNow());
            await pages.List(
                run, "v1/keys", [("prefix", run.Get(prefix)), ("describe", "true")], "keys", ["ID", "SPEC", "STATE", "LAST USED", "CREATED"],
                key => [key.Text("id"), key.Text("spec"), key.Text("state"), KeyText.Minute(KeyText.LastUsed(key)) ?? "never", KeyText.Minute(key.Text("created_at"))],
                key => IsUnused(key, from));
            return ExitCode.Done;
        });
    }

    /// <summary>Whether nothing has used a key from a time on. A key that could not be asked is not called unused.</summary>
    internal static bool IsUnused(JsonElement key, DateTimeOffset from) =>
        key.Field("error") is null && Time(key.Text("created_at")) is { } made && made < from
        && (KeyText.LastUsed(key) is not { } used || Time(used) < from);

    private static DateTimeOffset From(string text, DateTimeOffset now) =>
        Iso8601Duration.TryParse(text, out var duration) && duration <= now - DateTimeOffset.MinValue ? now - duration
        : Time(text) ?? throw VerbException.Usage($"--since is not {Iso8601Duration.Rule}, nor a time.");

    private static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
