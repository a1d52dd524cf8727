using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Cryptography;

/// <summary>Keys to use elsewhere, whose ciphertext is kept with what they encrypt.</summary>
internal static class DataKeyVerbs
{
    /// <summary>The verb <c>datakey</c>.</summary>
    public static Command DataKey(VerbContext context)
    {
        var (key, data) = (Verb.Key(), CryptographyOptions.AssociatedData());
        var bytes = Verb.Number("--bytes", "N", "Its length; 32 by default.");
        var sealedOnly = Verb.Switch("--no-plaintext", "Makes the ciphertext alone, for who needs the key later: okms decrypt opens it.");
        var file = Verb.NewFile(context, "--plaintext-out", "Writes the key itself to a new file that only you may read, as bytes.");
        return Verb.Of(context, "datakey", "", [key, bytes, sealedOnly, file, data], async run =>
        {
            if (run.Get(sealedOnly) && run.Get(file) is not null) throw VerbException.Usage("--no-plaintext and --plaintext-out exclude each other.");
            var body = new JsonObject();
            body.Set("bytes", run.Get(bytes));
            if (run.Get(sealedOnly)) body["plaintext"] = false;
            body.Set("associated_data", await VerbInput.Optional(run.Context, run.Get(data)));
            return await run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/datakey"), body), async json =>
            {
                if (run.Get(file) is { } path) run.Output.File(path, json.Bytes("plaintext"));
                await run.Output.Fields(("ciphertext", json.Text("ciphertext")), ("plaintext", run.Get(file) is null ? json.Text("plaintext") : null));
            });
        });
    }

    /// <summary>The verb <c>datakey-pair</c>.</summary>
    public static Command Pair(VerbContext context)
    {
        var (key, data) = (Verb.Key(), CryptographyOptions.AssociatedData());
        var spec = new Argument<string>("SPEC") { Description = "What kind of pair, as ECC_NIST_P256, ED25519, X25519 or RSA_3072." };
        var sealedOnly = Verb.Switch("--no-plaintext", "Makes public key and ciphertext alone: okms decrypt opens the private key.");
        var file = Verb.NewFile(context, "--private-key-out", "Writes the private key to a new file that only you may read, as PEM.");
        return Verb.Of(context, "datakey-pair", "", [key, spec, sealedOnly, file, data], async run =>
        {
            if (run.Get(sealedOnly) && run.Get(file) is not null) throw VerbException.Usage("--no-plaintext and --private-key-out exclude each other.");
            var body = new JsonObject { ["spec"] = run.Require(spec) };
            if (run.Get(sealedOnly)) body["plaintext"] = false;
            body.Set("associated_data", await VerbInput.Optional(run.Context, run.Get(data)));
            return await run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/datakey-pair"), body), async json =>
            {
                if (run.Get(file) is { } path) run.Output.File(path, Encoding.ASCII.GetBytes(PemEncoding.WriteString("PRIVATE KEY", json.Bytes("private_key")) + "\n"));
                await run.Output.Fields(
                    ("public_key", json.Text("public_key")), ("ciphertext", json.Text("ciphertext")),
                    ("private_key", run.Get(file) is null ? json.Text("private_key") : null));
            });
        });
    }
}
