using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>The verbs of <c>okms keys</c>.</summary>
internal static class KeyVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group(
        "keys", "", List(context), Create(context), Show(context), Update(context), Rotate(context),
        Switch(context, "disable", "Makes a key unusable until it is enabled.", "is disabled: okms keys enable makes it usable again"),
        Switch(context, "enable", "Makes a disabled key usable again.", "is enabled"),
        KeyDeletion.Delete(context), KeyDeletion.Cancel(context), VersionVerbs.Command(context),
        KeyMaterialVerbs.Import(context), KeyMaterialVerbs.Export(context), BackupVerbs.Backup(context), BackupVerbs.Restore(context),
        PublicKey(context), History(context), Validate(context), KeyPolicyVerbs.Command(context));

    private static Command List(VerbContext context)
    {
        var (prefix, state) = (Verb.Text("--prefix", "TEXT", "Only ids that begin with this."), Verb.Text("--state", "STATE", "Only keys in this state, as disabled."));
        var ids = Verb.Switch("--ids", "Lists ids alone, which is faster: nobody asks the keys.");
        var destroyed = Verb.Switch("--destroyed", "Lists destroyed keys too.");
        var pages = new Pages();
        return Verb.Of(context, "list", "Lists keys in the order of their ids.", [prefix, state, ids, destroyed, .. pages.Options], async run =>
        {
            var (wanted, onlyIds) = (run.Get(state), run.Get(ids));
            if (onlyIds && wanted is not null) throw VerbException.Usage("--ids does not know states: leave it or --state out.");
            await pages.List(
                run, "v1/keys",
                [("prefix", run.Get(prefix)), ("describe", onlyIds ? null : "true"), ("destroyed", run.Get(destroyed) || wanted == "destroyed" ? "true" : null)],
                "keys", onlyIds ? [] : KeyText.Columns, key => onlyIds ? [key.Text("id")] : KeyText.Row(key),
                wanted is null ? null : key => key.Text("state") == wanted);
            return ExitCode.Done;
        });
    }

    private static Command Create(VerbContext context)
    {
        var id = new Argument<string?>("ID") { Arity = ArgumentArity.ZeroOrOne, Description = "Its id; a UUID by default. Dots make namespaces, as in payments.eu.cards." };
        Option<string?>[] texts =
        [
            Verb.Text("--spec", "SPEC", "What kind of key, as ECC_NIST_P256; AES_256_GCM by default."),
            Verb.Text("--usage", "USAGE", "What it is for, as sign_verify; by default what its spec is mostly used for."),
            Verb.Text("--protection", "PROTECTION", "software, or hsm for a key that never leaves the HSM."),
            Verb.Text("--origin", "ORIGIN", "generated, or external for material that you import."),
        ];
        var exportable = Verb.Switch("--exportable", "Lets its material be exported, wrapped. This cannot be changed later.");
        var fields = new KeyFieldOptions();
        return Verb.Of(context, "create", "Creates a key.", [id, .. texts, exportable, .. fields.All], async run =>
        {
            var body = new JsonObject();
            if (run.Get(id) is { } given) body["id"] = given;
            foreach (var text in texts)
            {
                if (run.Get(text) is { } value) body[text.Name[2..]] = value;
            }

            if (run.Get(exportable)) body["exportable"] = true;
            await fields.Fill(body, run);
            return await run.Answer(ServiceCall.Change("v1/keys", body), key => key.Text("state") == "pending_import"
                ? $"created {key.Text("id")}, which waits for its material: okms keys import {key.Text("id")} FILE"
                : $"created {key.Text("id")} ({key.Text("spec")}, {key.Text("usage")})");
        });
    }

    private static Command Show(VerbContext context)
    {
        var key = Verb.Key();
        return Verb.Of(context, "show", "Shows a key with its versions, counters and plans.", [key], run =>
            run.Answer(ServiceCall.Get(Of(run.Require(key))), json => KeyText.Print(run, json)));
    }

    private static Command Update(VerbContext context)
    {
        var key = Verb.Key();
        var fields = new KeyFieldOptions();
        var least = Verb.Number("--min-decrypt-version", "N", "Versions below N no longer decrypt or verify.");
        var clear = Verb.Texts("--clear", "FIELD", "Clears description, tags, rotation, limits or approval.");
        return Verb.Of(context, "update", "Changes a key. Tags and limits replace all that it has.", [key, .. fields.All, least, clear], async run =>
        {
            var body = new JsonObject();
            foreach (var field in run.Get(clear) ?? [])
            {
                if (field is not ("description" or "tags" or "rotation" or "limits" or "approval")) throw VerbException.Usage($"{field} cannot be cleared.");
                body[field] = null;
            }

            await fields.Fill(body, run);
            if (run.Get(least) is { } version) body["min_decrypt_version"] = version;
            if (body.Count == 0) throw VerbException.Usage("There is nothing to change.", "okms keys update --help lists what can be changed.");
            return await run.Answer(new ServiceCall(HttpMethod.Patch, Of(run.Require(key))) { Body = body }, json => $"changed {json.Text("id")}");
        });
    }

    private static Command Rotate(VerbContext context)
    {
        var key = Verb.Key();
        return Verb.Of(context, "rotate", "Makes a new primary version. What older versions encrypted still decrypts.", [key], run =>
            run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/keys/{run.Require(key)}/rotate")), Rotated));
    }

    // The first question of everyone who has rotated a key.
    private static string Rotated(JsonElement key)
    {
        var done = $"rotated {key.Text("id")}: its primary version is {key.Text("primary_version")}";
        return key.Text("usage") switch
        {
            "encrypt_decrypt" => $"{done}. Old ciphertexts still decrypt; okms rewrap moves them to the new version.",
            "sign_verify" => $"{done}. Old signatures still verify; give the new public key to who verifies without the service.",
            "jws" => $"{done}. Old tokens still verify; okms jwks has both public keys.",
            "mac" => $"{done}. Old MACs still verify.",
            "derive" => $"{done}. It derives other keys now; --key-version names the old version.",
            _ => $"{done}. Name the old version with --key-version for what was made for it.",
        };
    }

    private static Command Switch(VerbContext context, string name, string description, string done)
    {
        var key = Verb.Key();
        return Verb.Of(context, name, description, [key], run =>
            run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/keys/{run.Require(key)}/") + name), json => $"{json.Text("id")} {done}"));
    }

    private static Command PublicKey(VerbContext context)
    {
        var (key, version) = (Verb.Key(), Verb.Version("The version; by default the primary one."));
        var (jwk, der) = (Verb.Switch("--jwk", "Prints it as a JSON Web Key."), Verb.Switch("--der", "Writes SubjectPublicKeyInfo in DER, as bytes."));
        return Verb.Of(context, "public-key", "Prints a key's public key, as PEM.", [key, version, jwk, der], run =>
        {
            if (run.Get(jwk) && run.Get(der)) throw VerbException.Usage("--jwk and --der exclude each other.");
            var path = ServiceCall.WithQuery(ServiceCall.Of($"v1/keys/{run.Require(key)}/public-key"), ("version", run.Get(version)?.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            return run.Answer(ServiceCall.Get(path), json =>
                run.Get(der) ? run.Output.Bytes(json.Bytes("public_key"))
                : !run.Get(jwk) ? run.Output.Lines((json.Text("pem") ?? "").TrimEnd().Split('\n'))
                : json.Field("jwk") is { } found ? run.Output.Json(System.Text.Encoding.UTF8.GetBytes(found.GetRawText()))
                : throw new VerbException("unsupported_algorithm", $"{json.Text("spec")} has no JSON Web Key.", ExitCode.Refused, "Take the PEM."));
        });
    }

    private static Command History(VerbContext context)
    {
        var key = Verb.Key();
        var pages = new Pages();
        return Verb.Of(context, "history", "Lists what happened to a key, newest first, and whether the chain of its events is whole.", [key, .. pages.Options], async run =>
        {
            var page = await pages.List(
                run, ServiceCall.Of($"v1/keys/{run.Require(key)}/history"), [], "events", ["NUMBER", "TIME", "ACTION", "PRINCIPAL", "VERSION"],
                one => [one.Text("number"), KeyText.Minute(one.Text("time")), one.Text("action"), one.Text("principal"), one.Text("key_version")]);
            if (page.Flag("verified")) return ExitCode.Done;
            await run.Say($"okms: history_broken: The history does not match the chain of events whose head the key holds{(page.Text("broken_at") is { } at ? $", at event {at}" : "")}. An operator must look at it.");
            return ExitCode.Refused;
        });
    }

    private static Command Validate(VerbContext context)
    {
        var keys = new Argument<string[]>("KEY") { Arity = ArgumentArity.OneOrMore, Description = "Keys: ids, or alias: and names." };
        return Verb.Of(context, "validate", "Checks whether keys can be used. Exit code 1: one of them cannot.", [keys], async run =>
        {
            var answer = await run.Ask(ServiceCall.Use("v1/keys/validate", new JsonObject { ["ids"] = KeyFieldOptions.List(run.Require(keys)) }));
            var results = answer.Json.List("results").ToList();
            if (run.IsJson) await run.Output.Json(answer.Body);
            else await run.Output.Table(["ID", "VALID", "STATE", "WHY"], [.. results.Select(one => (string?[])[one.Text("id"), one.Flag("valid") ? "yes" : "no", one.Text("state"), one.Field("error")?.Text("code")])]);
            return results.TrueForAll(one => one.Flag("valid")) ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static string Of(string key) => ServiceCall.Of($"v1/keys/{key}");
}
