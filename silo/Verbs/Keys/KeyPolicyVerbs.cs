using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>The verbs of <c>okms keys policy</c>: a key's own policy, which narrows what the policies of principals allow.</summary>
internal static class KeyPolicyVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group(
        "policy", "A key's own policy, which narrows what the policies of principals allow.", Show(context), Set(context), Remove(context));

    /// <summary>A policy for a body: an object with <c>statements</c>, or the statements themselves.</summary>
    /// <param name="run">The run.</param>
    /// <param name="value">The policy, as it was given.</param>
    /// <param name="field">What else the object may have, as <c>show --json</c> prints it: whose policy it is.</param>
    /// <param name="owner">Whose it is to be.</param>
    /// <exception cref="VerbException">It is that of another, or has a field of which nothing would be stored.</exception>
    public static async Task<JsonNode> Read(VerbRun run, string? value, string field, string owner)
    {
        var given = await KeyFieldOptions.ReadJson(run, value, "The policy");
        if (given is JsonArray statements) return new JsonObject { ["statements"] = statements };
        if (given is not JsonObject policy || policy["statements"] is not { } listed) throw VerbException.Usage("The policy has no 'statements'.", "Give what show --json prints, or the list of statements.");
        foreach (var (name, said) in policy)
        {
            if (name == "statements") continue;
            if (name != field) throw VerbException.Usage($"The policy has a field '{name}', which means nothing here.");
            var other = said?.GetValueKind() == JsonValueKind.String ? said.GetValue<string>() : said?.ToJsonString();
            if (other != owner) throw VerbException.Usage($"The policy is that of {other ?? "nobody"}, and not of {owner}.", $"Leave out '{field}' to take it over.");
        }

        return new JsonObject { ["statements"] = listed.DeepClone() };
    }

    /// <summary>Prints the statements of a policy.</summary>
    public static Task Print(VerbRun run, JsonElement policy) => run.Output.Table(["EFFECT", "ACTIONS", "KEYS", "PRINCIPALS", "WHEN"], [.. policy.List("statements").Select(statement => (string?[])
    [
        statement.Text("effect"), KeyText.Joined(statement.List("actions")), KeyText.Joined(statement.List("keys")),
        KeyText.Joined(statement.List("principals")), statement.Text("when"),
    ])]);

    private static Command Show(VerbContext context)
    {
        var key = Verb.Key();
        return Verb.Of(context, "show", "Shows a key's own policy.", [key], run => run.Answer(ServiceCall.Get(Of(run.Require(key))), json => Print(run, json)));
    }

    private static Command Set(VerbContext context)
    {
        var key = Verb.Key();
        var policy = new Argument<string?>("POLICY") { Arity = ArgumentArity.ZeroOrOne, Description = "The policy as JSON: @FILE, or - for standard input." };
        return Verb.Of(context, "set", "Sets a key's own policy.", [key, policy], async run =>
            await run.Answer(new ServiceCall(HttpMethod.Put, Of(run.Require(key))) { Body = await Read(run, run.Get(policy), "key_id", run.Require(key)) }, _ => $"{run.Require(key)} has the policy"));
    }

    private static Command Remove(VerbContext context)
    {
        var (key, yes) = (Verb.Key(), Verb.Yes());
        return Verb.Of(context, "remove", "Removes a key's own policy: the policies of principals alone decide then.", [key, yes], async run =>
        {
            await Confirmation.Ask(run, run.Get(yes), run.Require(key), $"{run.Require(key)} is then open to everyone whose policies allow it.");
            return await run.Answer(new ServiceCall(HttpMethod.Delete, Of(run.Require(key))), _ => $"{run.Require(key)} has no policy of its own");
        });
    }

    private static string Of(string key) => ServiceCall.Of($"v1/keys/{key}/policy");
}
