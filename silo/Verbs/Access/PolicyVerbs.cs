using System.CommandLine;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs.Cryptography;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Silo.Verbs.Access;

/// <summary>The verbs of <c>okms policy</c>.</summary>
internal static class PolicyVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group("policy", "", List(context), Show(context), Put(context), Delete(context), Simulate(context));

    private static Command List(VerbContext context)
    {
        var prefix = Verb.Text("--prefix", "TEXT", "Only names that begin with this.");
        var pages = new Pages();
        return Verb.Of(context, "list", "Lists policies, also those that are built in.", [prefix, .. pages.Options], async run =>
        {
            await pages.List(
                run, "v1/policies", [("prefix", run.Get(prefix))], "policies", ["NAME", "STATEMENTS", "ACTIONS"],
                policy => [policy.Text("name"), $"{policy.List("statements").Count()}", string.Join(", ", policy.List("statements").SelectMany(one => one.List("actions")).Select(one => one.ToString()).Distinct())]);
            return ExitCode.Done;
        });
    }

    private static Command Show(VerbContext context)
    {
        var name = Name();
        return Verb.Of(context, "show", "Shows a policy.", [name], run => run.Answer(ServiceCall.Get(Of(run.Require(name))), json => KeyPolicyVerbs.Print(run, json)));
    }

    private static Command Put(VerbContext context)
    {
        var name = Name();
        var policy = new Argument<string?>("POLICY") { Arity = ArgumentArity.ZeroOrOne, Description = "The policy as JSON, as show --json prints it, or its statements: @FILE, or - for standard input." };
        return Verb.Of(context, "put", "Creates a policy, or replaces it.", [name, policy], async run => await run.Answer(
            new ServiceCall(HttpMethod.Put, Of(run.Require(name))) { Body = await KeyPolicyVerbs.Read(run, run.Get(policy), "name", run.Require(name)) },
            json => $"stored {json.Text("name")}, {json.List("statements").Count()} statements; it holds everywhere within 5 s"));
    }

    private static Command Delete(VerbContext context)
    {
        var (name, yes) = (Name(), Verb.Yes());
        return Verb.Of(context, "delete", "Deletes a policy that no principal has.", [name, yes], async run =>
        {
            await Confirmation.Ask(run, run.Get(yes), run.Require(name), $"The policy {run.Require(name)} will be gone.");
            return await run.Answer(new ServiceCall(HttpMethod.Delete, Of(run.Require(name))), _ => $"deleted {run.Require(name)}");
        });
    }

    private static Command Simulate(VerbContext context)
    {
        var principal = new Argument<string>("PRINCIPAL") { Description = "Who would call." };
        var action = new Argument<string>("ACTION") { Description = "What they would do, as keys:encrypt." };
        var key = new Argument<string?>("KEY") { Arity = ArgumentArity.ZeroOrOne, Description = "The key: its id, or alias: and a name." };
        var data = CryptographyOptions.AssociatedData();
        Option<string?>[] texts =
        [
            Verb.Text("--source", "ADDRESS", "Where they would call from."),
            Verb.Text("--time", "TIME", "When, as 2026-01-31T12:00:00Z; now by default."),
            Verb.Text("--kind", "KIND", "What the ciphertext holds: data, data_key or data_key_pair."),
            Verb.Text("--spec", "SPEC", "The key's spec, if it does not exist yet."),
            Verb.Text("--protection", "PROTECTION", "The key's protection, if it does not exist yet."),
        ];
        return Verb.Of(context, "simulate", "Tells why a call would be allowed or refused. Exit code 1: it would be refused.", [principal, action, key, data, .. texts], async run =>
        {
            var facts = new JsonObject();
            foreach (var text in texts) facts.Set(text.Name[2..], run.Get(text));
            facts.Set("associated_data", await VerbInput.Optional(run.Context, run.Get(data)));
            var body = new JsonObject { ["principal"] = run.Require(principal), ["action"] = run.Require(action) };
            body.Set("key_id", await AliasedKey.Find(run, run.Get(key)));
            if (facts.Count > 0) body["context"] = facts;
            var answer = await run.Ask(ServiceCall.Use("v1/policies/simulate", body));
            var because = answer.Json.List("because").Select(one => $"  {one.Text("effect")} by {one.Text("policy")}{(one.Text("statement") is { } number ? $", statement {number}" : "")}").ToList();
            var isAllowed = answer.Json.Flag("allowed");
            if (run.IsJson) await run.Output.Json(answer.Body);
            else await run.Output.Lines([isAllowed ? "allowed" : "refused", .. because.Count > 0 ? because : ["  no statement allows it"]]);
            return isAllowed ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static Argument<string> Name() => new("NAME") { Description = "The policy's name." };

    private static string Of(string name) => ServiceCall.Of($"v1/policies/{name}");
}
