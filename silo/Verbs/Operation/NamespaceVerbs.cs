using System.CommandLine;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Silo.Verbs.Operation;

/// <summary>The verbs of <c>okms namespace</c>.</summary>
internal static class NamespaceVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group("namespace", "", Show(context), Set(context), Remove(context));

    private static Command Show(VerbContext context)
    {
        var prefix = Prefix();
        return Verb.Of(context, "show", "Shows the limits of a namespace.", [prefix], run => run.Answer(ServiceCall.Get(Of(run.Require(prefix))), json =>
            run.Output.Table(["COUNT", "PER", "OF"], [.. json.List("limits").Select(limit => (string?[])[limit.Text("count"), limit.Text("per"), limit.Text("of")])])));
    }

    private static Command Set(VerbContext context)
    {
        var prefix = Prefix();
        var limits = new Argument<string[]>("LIMIT") { Arity = ArgumentArity.OneOrMore, Description = "COUNT/PER or COUNT/PER/OF, as 1000/PT1H or 10/PT1M/keys:export." };
        return Verb.Of(context, "set", "Sets the limits of a namespace, which replace all that it has.", [prefix, limits], run => run.Answer(
            new ServiceCall(HttpMethod.Put, Of(run.Require(prefix))) { Body = new JsonObject { ["limits"] = KeyFieldOptions.Limits(run.Require(limits)) } },
            json => $"{json.Text("prefix")} has the limits {string.Join(", ", json.List("limits").Select(KeyText.Limit))}"));
    }

    private static Command Remove(VerbContext context)
    {
        var (prefix, yes) = (Prefix(), Verb.Yes());
        return Verb.Of(context, "remove", "Removes the limits of a namespace.", [prefix, yes], async run =>
        {
            await Confirmation.Ask(run, run.Get(yes), run.Require(prefix), $"The keys of {run.Require(prefix)} no longer share a limit.");
            return await run.Answer(new ServiceCall(HttpMethod.Delete, Of(run.Require(prefix))), _ => $"{run.Require(prefix)} has no limits");
        });
    }

    private static Argument<string> Prefix() => new("PREFIX") { Description = "The namespace, as payments or payments.eu." };

    private static string Of(string prefix) => ServiceCall.Of($"v1/namespaces/{prefix}/limits");
}
