using System.CommandLine;
using System.Text.Json;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Silo.Verbs.Operation;

/// <summary>The verbs of <c>okms kek</c>, and what HTTP tells of root keys.</summary>
internal static class KekVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group("kek", "", List(context), Rotate(context), Destroy(context));

    /// <summary>The verb <c>root status</c>.</summary>
    public static Command RootStatus(VerbContext context) => Verb.Of(context, "status", "Asks the service which root keys wrap how many of the KEKs that are not destroyed.", [], run =>
        run.Answer(ServiceCall.Get("v1/admin/keks"), json =>
        {
            var live = json.List("keks").Where(kek => kek.Text("state") != "destroyed").ToList();
            var roots = live.SelectMany(kek => kek.List("wraps")).GroupBy(root => root.ToString(), StringComparer.Ordinal).OrderBy(root => root.Key, StringComparer.Ordinal);
            return run.Output.Table(["ROOT", "KEKS"], [.. roots.Select(root => (string?[])[root.Key, FormattableString.Invariant($"{root.Count()} of {live.Count}")])]);
        }));

    private static Command List(VerbContext context) => Verb.Of(context, "list", "Lists the KEKs, oldest first, and how far rows have been resealed.", [], run =>
        run.Answer(ServiceCall.Get("v1/admin/keks"), json => run.Output.Table(["ID", "STATE", "CREATED", "ROWS", "RESEALED", ""], [.. json.List("keks").Select(kek => (string?[])
        [
            kek.Text("id"), kek.Text("state"), KeyText.Minute(kek.Text("created_at")), kek.Text("rows"), Resealed(kek),
            kek.List("waits_for").Any() ? $"waits for {KeyText.Joined(kek.List("waits_for"))}" : "",
        ])])));

    private static Command Rotate(VerbContext context) => Verb.Of(context, "rotate", "Makes a new KEK, under which all rows are resealed in the background.", [], run =>
        run.Answer(ServiceCall.Change("v1/admin/keks/rotate"), json => $"made {json.Text("id")}; okms kek list tells how far the rows are"));

    private static Command Destroy(VerbContext context)
    {
        var (id, yes) = (new Argument<string>("ID") { Description = "The KEK's id." }, Verb.Yes());
        return Verb.Of(context, "destroy", "Destroys a KEK that no row needs. Backups of the database and of keys under it no longer open.", [id, yes], async run =>
        {
            await Confirmation.Ask(run, run.Get(yes), run.Require(id), $"Backups of the database and of keys that are sealed under {run.Require(id)} can never be opened again.");
            return await run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/admin/keks/{run.Require(id)}/destroy")), json => $"destroyed {json.Text("id")}");
        });
    }

    private static string? Resealed(JsonElement kek) => kek.Field("resealing") is { } resealing ? $"{resealing.Text("rows_done")}, {resealing.Text("rows_left")} left" : null;
}
