using System.CommandLine;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>The end of a key, and how it is called off.</summary>
internal static class KeyDeletion
{
    /// <summary>The verb <c>keys delete</c>.</summary>
    public static Command Delete(VerbContext context)
    {
        var (key, after, yes) = (Verb.Key(), Verb.Text("--after", "DURATION", "How long it can be called off, as P7D; P30D by default."), Verb.Yes());
        return Verb.Of(context, "delete", "Makes a key unusable now, and erases it later. Until then it can be called off.", [key, after, yes], async run =>
        {
            // Who is asked sees which key it is, and that one is meant even if the alias moves.
            var id = run.Get(yes) ? run.Require(key) : await AliasedKey.Resolve(run, run.Require(key));
            await Confirmation.Ask(run, run.Get(yes), id, $"{id} becomes unusable now. In {run.Get(after) ?? "P30D"} it is erased, and nothing that it encrypted can be decrypted.");
            var body = new JsonObject();
            if (run.Get(after) is { } delay) body["after"] = delay;
            return await run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/keys/{id}/schedule-deletion"), body), json =>
                $"{json.Text("id")} is unusable now, and is erased at {json.Text("deletion_at")}. Until then: okms keys cancel-delete {json.Text("id")}");
        });
    }

    /// <summary>The verb <c>keys cancel-delete</c>.</summary>
    public static Command Cancel(VerbContext context)
    {
        var key = Verb.Key();
        return Verb.Of(context, "cancel-delete", "Calls a deletion off. The key is disabled then.", [key], run =>
            run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/keys/{run.Require(key)}/cancel-deletion")), json => json.Text("state") == "disabled"
                ? $"{json.Text("id")} is kept, and disabled: okms keys enable {json.Text("id")} makes it usable again"
                : $"{json.Text("id")} is kept"));
    }
}
