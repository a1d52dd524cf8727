using System.CommandLine;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Cryptography;

/// <summary>The verbs that make and take ciphertexts.</summary>
internal static class EncryptionVerbs
{
    /// <summary>The verb <c>encrypt</c>.</summary>
    public static Command Encrypt(VerbContext context)
    {
        var (key, input, output) = (Verb.Key(), CryptographyOptions.Input("DATA"), BytesOutput.Base64(context));
        var (data, algorithm, bare) = (CryptographyOptions.AssociatedData(), CryptographyOptions.Algorithm(), CryptographyOptions.Bare());
        return Verb.Of(context, "encrypt", "", [key, input, data, .. output.Options, algorithm, bare], async run =>
        {
            var body = new JsonObject();
            body.Set("plaintext", await VerbInput.Bytes(run.Context, run.Get(input)));
            body.Set("associated_data", await VerbInput.Optional(run.Context, run.Get(data)));
            body.Set("algorithm", run.Get(algorithm));
            body.Set("raw", run.Get(bare));
            return await run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/encrypt"), body), async json =>
            {
                // Nothing else says which version it was, and decrypting needs to know.
                if (run.Get(bare)) await run.Say($"Keep the version with it: --key-version {json.Text("key_version")}");
                await output.Write(run, json.Bytes("ciphertext"));
            });
        });
    }

    /// <summary>The verb <c>decrypt</c>.</summary>
    public static Command Decrypt(VerbContext context)
    {
        var (input, output, data) = (CryptographyOptions.Made("CIPHERTEXT"), BytesOutput.Raw(context), CryptographyOptions.AssociatedData());
        var key = Verb.Text("--key", "KEY", "Refuses ciphertexts of other keys. Needed with --bare; else the ciphertext names its key.");
        var (algorithm, bare, version) = (CryptographyOptions.Algorithm(), CryptographyOptions.Bare(), Verb.Version("The version of a bare ciphertext."));
        return Verb.Of(context, "decrypt", "", [input, data, key, .. output.Options, algorithm, bare, version], async run =>
        {
            if (run.Get(key) is null && (run.Get(bare) || run.Get(algorithm) is not null || run.Get(version) is not null))
            {
                throw VerbException.Usage("--bare, --algorithm and --key-version need --key.");
            }

            var (ciphertext, _) = await VerbInput.Made(run.Context, run.Get(input), "ciphertext", run.Get(bare) ? null : VerbInput.IsCiphertext);
            var body = new JsonObject();
            body.Set("ciphertext", ciphertext);
            body.Set("associated_data", await VerbInput.Optional(run.Context, run.Get(data)));
            body.Set("algorithm", run.Get(algorithm));
            body.Set("raw", run.Get(bare));
            body.Set("key_version", run.Get(version));
            var path = run.Get(key) is { } id ? ServiceCall.Of($"v1/keys/{id}/decrypt") : "v1/decrypt";
            return await run.Answer(ServiceCall.Use(path, body), json => output.Write(run, json.Bytes("plaintext")));
        });
    }

    /// <summary>The verb <c>rewrap-one</c>.</summary>
    public static Command Rewrap(VerbContext context)
    {
        var (input, output, data) = (CryptographyOptions.Made("CIPHERTEXT"), BytesOutput.Base64(context), CryptographyOptions.AssociatedData());
        return Verb.Of(context, "rewrap-one", "", [input, data, .. output.Options], async run =>
        {
            var (ciphertext, _) = await VerbInput.Made(run.Context, run.Get(input), "ciphertext", VerbInput.IsCiphertext);
            _ = CiphertextHeader.TryRead(ciphertext, out var header);
            var body = new JsonObject();
            body.Set("ciphertext", ciphertext);
            body.Set("associated_data", await VerbInput.Optional(run.Context, run.Get(data)));
            return await run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{header.KeyId}/rewrap"), body), json => output.Write(run, json.Bytes("ciphertext")));
        });
    }

    /// <summary>The verb <c>reencrypt</c>.</summary>
    public static Command Reencrypt(VerbContext context)
    {
        var key = new Argument<string>("KEY") { Description = "The key that it moves to: its id, or alias: and a name." };
        var (input, output, data) = (CryptographyOptions.Made("CIPHERTEXT"), BytesOutput.Base64(context), CryptographyOptions.AssociatedData());
        var newData = Verb.Text("--new-aad", "VALUE", "Associated data of the new ciphertext; by default none.");
        return Verb.Of(context, "reencrypt", "", [key, input, data, newData, .. output.Options], async run =>
        {
            var (ciphertext, _) = await VerbInput.Made(run.Context, run.Get(input), "ciphertext", VerbInput.IsCiphertext);
            var body = new JsonObject { ["destination_key_id"] = run.Require(key) };
            body.Set("ciphertext", ciphertext);
            body.Set("associated_data", await VerbInput.Optional(run.Context, run.Get(data)));
            body.Set("destination_associated_data", await VerbInput.Optional(run.Context, run.Get(newData)));
            return await run.Answer(ServiceCall.Use("v1/reencrypt", body), json => output.Write(run, json.Bytes("ciphertext")));
        });
    }
}
