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
    public static async Task<JsonNode> Read(VerbRun run, string? value) => await KeyFieldOptions.ReadJson(run, value, "The policy") switch
    {
        JsonArray statements => new JsonObject { ["statements"] = statements },
        // As okms policy show --json prints it.
        JsonObject policy when policy["statements"] is { } statements && policy.Count <= 2 => new JsonObject { ["statements"] = statements.DeepClone() },
        var other => other,
    };

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
            await run.Answer(new ServiceCall(HttpMethod.Put, Of(run.Require(key))) { Body = await Read(run, run.Get(policy)) }, _ => $"{run.Require(key)} has the policy"));
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
