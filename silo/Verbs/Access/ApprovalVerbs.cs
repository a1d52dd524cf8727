using System.CommandLine;
using System.Text.Json;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Silo.Verbs.Access;

/// <summary>The verbs of <c>okms approval</c>.</summary>
internal static class ApprovalVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group(
        "approval", "", List(context), Show(context),
        Decide(context, "approve", "Approves an operation. The last approval carries it out."),
        Decide(context, "reject", "Rejects an operation, which ends it."),
        Decide(context, "cancel", "Withdraws an operation that you have asked for."));

    private static Command List(VerbContext context)
    {
        var state = Verb.Text("--state", "STATE", "pending (the default), executed, rejected, cancelled, expired or failed; all for all.");
        var key = Verb.Text("--key", "KEY", "Only those of this key.");
        var pages = new Pages();
        return Verb.Of(context, "list", "Lists operations that need approval.", [state, key, .. pages.Options], async run =>
        {
            var page = await pages.List(
                run, "v1/approvals", [("state", run.Get(state) is not { } wanted ? "pending" : wanted == "all" ? null : wanted), ("key", run.Get(key))], "approvals",
                ["ID", "KEY", "OPERATION", "STATE", "REQUESTED BY", "APPROVALS", "EXPIRES"],
                one => [one.Text("approval_id"), one.Text("key_id"), one.Text("operation"), one.Text("state"), one.Text("requested_by"),
                    $"{one.List("approvals").Count()} of {one.Text("required")}", KeyText.Minute(one.Text("expires_at"))]);
            foreach (var untold in page.List("untold")) await run.Say($"okms: {untold.Field("error")?.Text("code")}: The approvals of {untold.Text("key_id")} could not be read.");
            return ExitCode.Done;
        });
    }

    private static Command Show(VerbContext context)
    {
        var id = Id();
        return Verb.Of(context, "show", "Shows an operation that needs approval, with its arguments.", [id], run =>
            run.Answer(ServiceCall.Get(ServiceCall.Of($"v1/approvals/{run.Require(id)}")), json => Print(run, json)));
    }

    private static Command Decide(VerbContext context, string verb, string description)
    {
        var id = Id();
        return Verb.Of(context, verb, description, [id], run => run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/approvals/{run.Require(id)}/") + verb), Said));
    }

    private static string Said(JsonElement approval)
    {
        var what = $"{approval.Text("operation")} of {approval.Text("key_id")}";
        return approval.Text("state") switch
        {
            "pending" => $"{what} has {approval.List("approvals").Count()} of {approval.Text("required")} approvals, and still waits",
            "executed" => $"{what} is done",
            "failed" => $"{what} was approved, and failed: {approval.Field("error")?.Text("code") ?? approval.Text("reason")}",
            var state => $"{what} is {state}",
        };
    }

    private static Task Print(VerbRun run, JsonElement json) => run.Output.Fields(
    [
        ("id", json.Text("approval_id")), ("state", json.Text("state")), ("key", json.Text("key_id")), ("operation", json.Text("operation")),
        .. json.Field("arguments")?.EnumerateObject().Select(argument => ("  " + argument.Name, (string?)argument.Value.ToString())) ?? [],
        ("requested by", $"{json.Text("requested_by")} at {json.Text("requested_at")}"), ("expires", json.Text("expires_at")), ("required", json.Text("required")),
        ("approved by", string.Join(", ", json.List("approvals").Select(one => $"{one.Text("principal")} at {one.Text("approved_at")}"))),
        ("decided", json.Text("decided_at") is { } at ? $"{at} by {json.Text("decided_by")}" : null), ("error", json.Field("error")?.Text("code")), ("reason", json.Text("reason")),
    ]);

    private static Argument<string> Id() => new("ID") { Description = "The approval, as list names it." };
}
