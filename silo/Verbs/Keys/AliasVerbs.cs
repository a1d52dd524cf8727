using System.CommandLine;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>The verbs of <c>okms alias</c>.</summary>
internal static class AliasVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group("alias", "", List(context), Show(context), Set(context), Delete(context));

    private static Command List(VerbContext context)
    {
        var prefix = Verb.Text("--prefix", "TEXT", "Only names that begin with this.");
        var pages = new Pages();
        return Verb.Of(context, "list", "Lists aliases in the order of their names.", [prefix, .. pages.Options], async run =>
        {
            await pages.List(
                run, "v1/aliases", [("prefix", run.Get(prefix))], "aliases", ["NAME", "KEY", "SINCE"],
                alias => [alias.Text("name"), alias.Text("key_id") ?? alias.Field("error")?.Text("code"), KeyText.Minute(alias.Text("updated_at"))]);
            return ExitCode.Done;
        });
    }

    private static Command Show(VerbContext context)
    {
        var name = Name();
        return Verb.Of(context, "show", "Tells which key an alias stands for.", [name], run => run.Answer(ServiceCall.Get(Of(run.Require(name))), json => run.Output.Fields(
            ("name", json.Text("name")), ("key", json.Text("key_id")), ("created", json.Text("created_at")), ("points there since", json.Text("updated_at")))));
    }

    private static Command Set(VerbContext context)
    {
        var (name, key) = (Name(), Verb.Key());
        return Verb.Of(context, "set", "Creates an alias, or points it at another key.", [name, key], run => run.Answer(
            new ServiceCall(HttpMethod.Put, Of(run.Require(name))) { Body = new JsonObject { ["key_id"] = run.Require(key) } },
            json => $"alias:{json.Text("name")} stands for {json.Text("key_id")}"));
    }

    private static Command Delete(VerbContext context)
    {
        var (name, yes) = (Name(), Verb.Yes());
        return Verb.Of(context, "delete", "Removes an alias. The key stays.", [name, yes], async run =>
        {
            var alias = run.Require(name);
            await Confirmation.Ask(run, run.Get(yes), Bare(alias), $"Callers that use alias:{Bare(alias)} will find nothing.");
            return await run.Answer(new ServiceCall(HttpMethod.Delete, Of(alias)), _ => $"removed alias:{Bare(alias)}");
        });
    }

    private static Argument<string> Name() => new("NAME") { Description = "The alias, with or without alias: before it." };

    private static string Of(string name) => ServiceCall.Of($"v1/aliases/{Bare(name)}");

    private static string Bare(string name) => name.StartsWith(KeyId.AliasPrefix, StringComparison.Ordinal) ? name[KeyId.AliasPrefix.Length..] : name;
}
