using System.CommandLine;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs.Operation;

/// <summary>Who the caller is, and how the service does.</summary>
internal static class ServiceVerbs
{
    /// <summary>The verb <c>whoami</c>.</summary>
    public static Command WhoAmI(VerbContext context) => Verb.Of(context, "whoami", "", [], run => run.Answer(ServiceCall.Get("v1/whoami"), json => run.Output.Fields(
        ("principal", json.Text("principal")),
        ("credential", json.Text("credential")),
        ("policies", string.Join(", ", json.List("policies").Select(policy => policy.GetString()))),
        ("expires", json.Text("expires_at")))));

    /// <summary>The verb <c>health</c>, which needs no token.</summary>
    public static Command Health(VerbContext context) => Verb.Of(context, "health", "", [], async run =>
    {
        var answer = await run.Service.Send(ServiceCall.Get("health") with { MayRepeat = false, TakesUnhealthy = true }, run.Cancellation);
        var json = answer.Json;
        if (run.IsJson) await run.Output.Json(answer.Body);
        else await Print(run, json);
        return json.Text("status") == "healthy" ? ExitCode.Done : ExitCode.Refused;
    });

    private static async Task Print(VerbRun run, JsonElement json)
    {
        var checks = json.Field("checks")?.EnumerateObject().Select(check => (check.Name, (string?)check.Value.ToString())) ?? [];
        await run.Output.Fields([("status", json.Text("status")), .. checks]);
        await run.Output.Lines(json.List("problems").Select(problem => $"problem: {problem}"));
    }
}
