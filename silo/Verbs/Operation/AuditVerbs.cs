using System.CommandLine;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Silo.Verbs.Operation;

/// <summary>The verbs of <c>okms audit</c> that ask the service; the others read logs.</summary>
internal static class AuditVerbs
{
    private const int Records = 100;

    /// <summary>The verb <c>audit search</c>.</summary>
    public static Command Search(VerbContext context)
    {
        var key = Verb.Text("--key", "KEY", "Only records of this key.");
        Option<string?>[] texts =
        [
            Verb.Text("--principal", "NAME", "Only calls by this principal."),
            Verb.Text("--action", "ACTION", "Only this action, as keys:encrypt."),
            Verb.Text("--outcome", "OUTCOME", "Only this outcome: ok, or an error code."),
            Verb.Text("--from", "TIME", "Only records from this time on, as 2026-01-31T12:00:00Z."),
            Verb.Text("--to", "TIME", "Only records before this time."),
        ];
        var pages = new Pages(Records);
        return Verb.Of(context, "search", "Finds records of the audit trail, newest first: 100 unless told otherwise.", [key, .. texts, .. pages.Options], async run =>
        {
            await pages.List(
                run, "v1/audit", [("key", await AliasedKey.Find(run, run.Get(key))), .. texts.Select(text => (text.Name[2..], run.Get(text)))], "records",
                ["TIME", "PRINCIPAL", "ACTION", "KEY", "OUTCOME", "SOURCE", "LOG", "RECORD"],
                one => [one.Text("time"), one.Text("principal"), one.Text("action"), one.Text("key_id"), one.Text("outcome"), one.Text("source"), one.Text("log"), one.Text("sequence")]);
            return ExitCode.Done;
        });
    }

    /// <summary>The verb <c>audit logs</c>.</summary>
    public static Command Logs(VerbContext context) => Verb.Of(context, "logs", "Lists the logs of the audit trail. With --json: with their last signed checkpoints, to be kept elsewhere.", [], run =>
        run.Answer(ServiceCall.Get("v1/audit/logs"), json => run.Output.Table(["LOG", "SILO", "RECORDS", "SEARCHABLE", "SIGNED"], [.. json.List("logs").Select(log => (string?[])
        [
            log.Text("log"), log.Text("silo"), log.Text("size"), log.Text("copied"), KeyText.Minute(log.Text("signed_at")),
        ])])));
}
