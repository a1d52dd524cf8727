using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>The verbs of <c>okms keys versions</c>.</summary>
internal static class VersionVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group(
        "versions", "Lists, disables, enables and destroys versions of a key.", List(context),
        Switch(context, "disable", "disable", "Makes a version unusable until it is enabled.", "is disabled"),
        Switch(context, "enable", "enable", "Makes a disabled version usable again.", "is enabled"),
        Destroy(context),
        Switch(context, "cancel-destroy", "cancel-destroy", "Calls a destruction off. The version is disabled then.", "is kept, and disabled"));

    private static Command List(VerbContext context)
    {
        var key = Verb.Key();
        return Verb.Of(context, "list", "Lists a key's versions.", [key], run =>
            run.Answer(ServiceCall.Get(ServiceCall.Of($"v1/keys/{run.Require(key)}")), json => KeyText.PrintVersions(run, json)));
    }

    private static Command Switch(VerbContext context, string name, string route, string description, string done)
    {
        var (key, version) = (Verb.Key(), Number());
        return Verb.Of(context, name, description, [key, version], run =>
            run.Answer(ServiceCall.Change(Of(run.Require(key), run.Require(version), route)), json => $"version {Text(run.Require(version))} of {json.Text("id")} {done}"));
    }

    private static Command Destroy(VerbContext context)
    {
        var (key, version, yes) = (Verb.Key(), Number(), Verb.Yes());
        var after = Verb.Text("--after", "DURATION", "How long it can be called off, as P1D; P7D by default.");
        return Verb.Of(context, "destroy", "Makes a version unusable now, and erases it later. Not the primary one.", [key, version, after, yes], async run =>
        {
            var (id, number) = (run.Get(yes) ? run.Require(key) : await AliasedKey.Resolve(run, run.Require(key)), run.Require(version));
            await Confirmation.Ask(run, run.Get(yes), id, $"Version {Text(number)} of {id} becomes unusable now. In {run.Get(after) ?? "P7D"} it is erased, and nothing that it encrypted can be decrypted.");
            var body = new JsonObject();
            if (run.Get(after) is { } delay) body["after"] = delay;
            return await run.Answer(ServiceCall.Change(Of(id, number, "destroy"), body), json =>
                $"version {Text(number)} of {json.Text("id")} is unusable now, and erased when its time has come. Until then: okms keys versions cancel-destroy {json.Text("id")} {Text(number)}");
        });
    }

    private static Argument<int> Number() => new("VERSION") { Description = "The version's number." };

    private static string Of(string key, int version, string route) => ServiceCall.Of($"v1/keys/{key}/versions/{Text(version)}/{route}");

    private static string Text(int version) => version.ToString(CultureInfo.InvariantCulture);
}
