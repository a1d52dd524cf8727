using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Cryptography;

/// <summary>The verbs <c>sign</c> and <c>verify</c>.</summary>
internal static class SignatureVerbs
{
    /// <summary>The verb <c>sign</c>.</summary>
    public static Command Sign(VerbContext context)
    {
        var (key, signed, output) = (Verb.Key(), new SignedOptions(), BytesOutput.Base64(context));
        return Verb.Of(context, "sign", "", [key, .. signed.All, .. output.Options], async run =>
        {
            var body = new JsonObject();
            await signed.Fill(body, run);
            return await run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/sign"), body), json => output.Write(run, json.Bytes("signature")));
        });
    }

    /// <summary>The verb <c>verify</c>.</summary>
    public static Command Verify(VerbContext context)
    {
        var (key, signed, version) = (Verb.Key(), new SignedOptions(), Verb.Version("The version that signed; by default every one is tried."));
        var signature = new Option<string>("--signature") { HelpName = "VALUE", Required = true, Description = $"The signature: {VerbInput.BinaryForms}." };
        return Verb.Of(context, "verify", "", [key, .. signed.All, signature, version], async run =>
        {
            var body = new JsonObject();
            await signed.Fill(body, run);
            body.Set("signature", (await VerbInput.Made(run.Context, run.Get(signature), "signature")).Bytes);
            body.Set("key_version", run.Get(version));
            return await Verdict(run, ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/verify"), body));
        });
    }

    /// <summary>Asks whether something is valid, and prints that.</summary>
    /// <returns>The exit code: <see cref="ExitCode.Refused"/> for what is not.</returns>
    public static async Task<int> Verdict(VerbRun run, ServiceCall call)
    {
        var answer = await run.Ask(call);
        if (answer.Json.Field("valid") is not { ValueKind: JsonValueKind.True or JsonValueKind.False } valid)
        {
            throw new VerbException("unreadable_answer", "The answer does not say whether it is valid.", ExitCode.Unreachable);
        }

        var isValid = valid.ValueKind == JsonValueKind.True;
        if (run.IsJson) await run.Output.Json(answer.Body);
        else await run.Output.Line(isValid ? $"valid, by version {answer.Json.Text("key_version")} of {answer.Json.Text("key_id")}" : "not valid");
        return isValid ? ExitCode.Done : ExitCode.Refused;
    }

    /// <summary>What is signed, and how.</summary>
    private sealed class SignedOptions
    {
        private readonly Argument<string?> _message = CryptographyOptions.Input("MESSAGE");
        private readonly Option<string?> _digest = Verb.Text("--digest", "VALUE", "Signs this digest, made elsewhere, instead of a message: base64:…, hex:… or @FILE.");
        private readonly Option<string?> _hash = Verb.Text("--hash", "NAME", "Hashes the message here and signs the digest, so that it may have any size: sha256, sha384 or sha512, as the algorithm says.");
        private readonly Option<string?> _algorithm = CryptographyOptions.Algorithm();
        private readonly Option<string?> _encoding = Verb.Text("--encoding", "FORM", "The form of an ECDSA signature: der (the default) or p1363.");
        private readonly Option<string?> _context = Verb.Text("--context", "VALUE", $"The context of ML-DSA and SLH-DSA: {VerbInput.Forms}.");

        public Symbol[] All => [_message, _digest, _hash, _algorithm, _encoding, _context];

        public async Task Fill(JsonObject body, VerbRun run)
        {
            var (message, digest, hash) = (run.Get(_message), run.Get(_digest), run.Get(_hash));
            if (digest is not null && (message is not null || hash is not null)) throw VerbException.Usage("--digest stands instead of a message and of --hash.");
            if (digest is not null) body.Set("digest", await VerbInput.Bytes(run.Context, digest));
            else if (hash is not null) body.Set("digest", await VerbInput.Hash(run.Context, message, hash));
            else body.Set("message", await VerbInput.Bytes(run.Context, message));
            body.Set("algorithm", run.Get(_algorithm));
            body.Set("encoding", run.Get(_encoding));
            body.Set("context", await VerbInput.Optional(run.Context, run.Get(_context)));
        }
    }
}
