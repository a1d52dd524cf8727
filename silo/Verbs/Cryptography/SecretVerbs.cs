using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Cryptography;

/// <summary>Secrets that are derived, agreed on, encapsulated or drawn.</summary>
internal static class SecretVerbs
{
    /// <summary>The verb <c>derive</c>.</summary>
    public static Command Derive(VerbContext context)
    {
        var (key, output, version) = (Verb.Key(), BytesOutput.Base64(context), Verb.Version("The version; by default the primary one."));
        var derivation = Verb.Text("--context", "VALUE", $"What the derived key is for. The same gives the same key: {VerbInput.Forms}.");
        var salt = Verb.Text("--salt", "VALUE", $"The salt: {VerbInput.Forms}.");
        var theirs = Verb.Text("--public-key", "VALUE", "Agrees on a key with the owner of this public key: @FILE with PEM or DER, or base64:….");
        var bytes = Verb.Number("--bytes", "N", "The length; 32 by default.");
        var bare = Verb.Switch("--bare", "Prints the agreed secret itself, which is no key yet.");
        return Verb.Of(context, "derive", "", [key, derivation, salt, theirs, bytes, bare, version, .. output.Options], async run =>
        {
            var body = new JsonObject();
            body.Set("context", await VerbInput.Optional(run.Context, run.Get(derivation)));
            body.Set("salt", await VerbInput.Optional(run.Context, run.Get(salt)));
            body.Set("public_key", PublicKey(await VerbInput.Optional(run.Context, run.Get(theirs))));
            body.Set("bytes", run.Get(bytes));
            body.Set("raw", run.Get(bare));
            body.Set("key_version", run.Get(version));
            return await run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/derive"), body), json => output.Write(run, json.Bytes("derived")));
        });
    }

    /// <summary>The verb <c>encapsulate</c>.</summary>
    public static Command Encapsulate(VerbContext context)
    {
        var (key, file) = (Verb.Key(), Verb.NewFile(context, "--secret-out", "Writes the secret to a new file that only you may read, as bytes."));
        return Verb.Of(context, "encapsulate", "", [key, file], run =>
            run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/encapsulate"), new JsonObject()), async json =>
            {
                if (run.Get(file) is { } path) run.Output.File(path, json.Bytes("shared_secret"));
                await run.Output.Fields(
                    ("key_version", json.Text("key_version")), ("ciphertext", json.Text("ciphertext")),
                    ("shared_secret", run.Get(file) is null ? json.Text("shared_secret") : null));
            }));
    }

    /// <summary>The verb <c>decapsulate</c>.</summary>
    public static Command Decapsulate(VerbContext context)
    {
        var (key, input, output) = (Verb.Key(), CryptographyOptions.Made("CIPHERTEXT"), BytesOutput.Base64(context));
        var version = Verb.Version("The version that encapsulate named; by default that of its JSON, or the primary one. Another finds another secret.");
        return Verb.Of(context, "decapsulate", "", [key, input, version, .. output.Options], async run =>
        {
            var (ciphertext, json) = await VerbInput.Made(run.Context, run.Get(input), "ciphertext");
            var body = new JsonObject();
            body.Set("ciphertext", ciphertext);
            body.Set("key_version", run.Get(version) ?? VersionIn(json));
            return await run.Answer(
                ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/decapsulate"), body), answer => output.Write(run, answer.Bytes("shared_secret")));
        });
    }

    /// <summary>The verb <c>random</c>.</summary>
    public static Command Random(VerbContext context)
    {
        var bytes = new Argument<int>("BYTES") { DefaultValueFactory = _ => 32, Description = "How many." };
        var output = BytesOutput.Base64(context);
        return Verb.Of(context, "random", "", [bytes, .. output.Options], run =>
            run.Answer(ServiceCall.Use("v1/random", new JsonObject { ["bytes"] = run.Get(bytes) }), json => output.Write(run, json.Bytes("bytes"))));
    }

    private static int? VersionIn(JsonElement made) => made.Field("key_version") switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var version) => version,
        _ => throw VerbException.Usage("The 'key_version' of the JSON is no version.", "Name it with --key-version."),
    };

    private static string? PublicKey(byte[]? given) =>
        given is null ? null : given.AsSpan().StartsWith("-----BEGIN"u8) ? Encoding.ASCII.GetString(given) : Convert.ToBase64String(given);
}
