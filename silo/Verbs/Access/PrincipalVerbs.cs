using System.CommandLine;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Silo.Verbs.Access;

/// <summary>The verbs of <c>okms principal</c>.</summary>
internal static class PrincipalVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group(
        "principal", "", List(context), Show(context), Create(context), Update(context),
        Switch(context, "disable", "Keeps a principal from signing in until it is enabled.", "is disabled: within 5 s nobody is signed in as it"),
        Switch(context, "enable", "Lets a principal sign in again.", "is enabled"), Delete(context));

    /// <summary>The argument that names a principal.</summary>
    public static Argument<string> Name() => new("PRINCIPAL") { Description = "The principal's name." };

    private static Command List(VerbContext context)
    {
        var prefix = Verb.Text("--prefix", "TEXT", "Only names that begin with this.");
        var pages = new Pages();
        return Verb.Of(context, "list", "Lists principals in the order of their names.", [prefix, .. pages.Options], async run =>
        {
            await pages.List(
                run, "v1/principals", [("prefix", run.Get(prefix))], "principals", ["NAME", "STATE", "POLICIES", "DESCRIPTION"],
                one => [one.Text("name"), one.Text("state"), KeyText.Joined(one.List("policies")), one.Text("description")]);
            return ExitCode.Done;
        });
    }

    private static Command Show(VerbContext context)
    {
        var name = Name();
        return Verb.Of(context, "show", "Shows a principal.", [name], run => run.Answer(ServiceCall.Get(Of(run.Require(name))), json => run.Output.Fields(
            ("name", json.Text("name")), ("state", json.Text("state")), ("description", json.Text("description")), ("policies", KeyText.Joined(json.List("policies"))),
            ("limits", string.Join(", ", json.List("limits").Select(KeyText.Limit))), ("certificates", KeyText.Joined(json.List("certificates"))),
            ("jwt", string.Join(", ", json.List("jwt").Select(jwt => $"{jwt.Text("issuer")} {jwt.Text("subject")}"))),
            ("created", json.Text("created_at")), ("updated", json.Text("updated_at")))));
    }

    private static Command Create(VerbContext context)
    {
        var (name, fields) = (Name(), new Fields());
        return Verb.Of(context, "create", "Creates a principal.", [name, .. fields.All], run =>
        {
            var body = new JsonObject { ["name"] = run.Require(name) };
            fields.Fill(body, run);
            return run.Answer(ServiceCall.Change("v1/principals", body), json => $"created {json.Text("name")}; it signs in with okms token create {json.Text("name")}");
        });
    }

    private static Command Update(VerbContext context)
    {
        var (name, fields) = (Name(), new Fields());
        var clear = Verb.Texts("--clear", "FIELD", "Clears description, policies, limits, certificates or jwt.");
        return Verb.Of(context, "update", "Changes a principal. Lists replace all that it has.", [name, .. fields.All, clear], run =>
        {
            var body = new JsonObject();
            foreach (var field in run.Get(clear) ?? [])
            {
                if (field is not ("description" or "policies" or "limits" or "certificates" or "jwt")) throw VerbException.Usage($"{field} cannot be cleared.");
                body[field] = null;
            }

            fields.Fill(body, run);
            if (body.Count == 0) throw VerbException.Usage("There is nothing to change.", "okms principal update --help lists what can be changed.");
            return run.Answer(new ServiceCall(HttpMethod.Patch, Of(run.Require(name))) { Body = body }, json => $"changed {json.Text("name")}; it holds everywhere within 5 s");
        });
    }

    private static Command Switch(VerbContext context, string verb, string description, string done)
    {
        var name = Name();
        return Verb.Of(context, verb, description, [name], run =>
            run.Answer(ServiceCall.Change(Of(run.Require(name)) + "/" + verb), json => $"{json.Text("name")} {done}"));
    }

    private static Command Delete(VerbContext context)
    {
        var (name, yes) = (Name(), Verb.Yes());
        return Verb.Of(context, "delete", "Removes a principal and all its tokens.", [name, yes], async run =>
        {
            await Confirmation.Ask(run, run.Get(yes), run.Require(name), $"Whoever signs in as {run.Require(name)} no longer can. Its tokens cannot be had back.");
            return await run.Answer(new ServiceCall(HttpMethod.Delete, Of(run.Require(name))), _ => $"deleted {run.Require(name)} and its tokens");
        });
    }

    private static string Of(string name) => ServiceCall.Of($"v1/principals/{name}");

    /// <summary>What can be set when a principal is created, and changed later.</summary>
    private sealed class Fields
    {
        private readonly Option<string?> _description = Verb.Text("--description", "TEXT", "Free text.");
        private readonly Option<string[]> _policies = Verb.Texts("--policy", "NAME", "A policy, as key-user.");
        private readonly Option<string[]> _limits = KeyFieldOptions.LimitOption();
        private readonly Option<string[]> _certificates = Verb.Texts("--certificate", "NAME", "A URI or DNS name of certificates that it signs in with.");
        private readonly Option<string[]> _jwt = Verb.Texts("--jwt", "'ISSUER SUBJECT'", "Issuer and subject of JWTs that it signs in with.");

        public Symbol[] All => [_description, _policies, _limits, _certificates, _jwt];

        public void Fill(JsonObject body, VerbRun run)
        {
            if (run.Get(_description) is { } description) body["description"] = description;
            if (run.Get(_policies) is { Length: > 0 } policies) body["policies"] = KeyFieldOptions.List(policies);
            if (run.Get(_limits) is { Length: > 0 } limits) body["limits"] = KeyFieldOptions.Limits(limits);
            if (run.Get(_certificates) is { Length: > 0 } certificates) body["certificates"] = KeyFieldOptions.List(certificates);
            if (run.Get(_jwt) is { Length: > 0 } identities) body["jwt"] = Identities(identities);
        }

        private static JsonArray Identities(string[] identities)
        {
            var array = new JsonArray();
            foreach (var identity in identities)
            {
                if (identity.Split(' ', 2, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is not [var issuer, var subject])
                {
                    throw VerbException.Usage("--jwt is not an issuer, a space and a subject.");
                }

                array.Add((JsonNode)new JsonObject { ["issuer"] = issuer, ["subject"] = subject });
            }

            return array;
        }
    }
}
