using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Cryptography;

/// <summary>Signed tokens, and what verifies them.</summary>
internal static class TokenVerbs
{
    /// <summary>The verb <c>jws</c>.</summary>
    public static Command Jws(VerbContext context)
    {
        var (key, input, algorithm) = (Verb.Key(), CryptographyOptions.Input("PAYLOAD"), CryptographyOptions.Algorithm());
        var claims = Verb.Text("--claims", "JSON", "Signs these claims, an object, byte for byte, instead of a payload: also @FILE or -.");
        var type = Verb.Text("--typ", "TYPE", "The type in the token's header, as JWT.");
        return Verb.Of(context, "jws", "", [key, input, claims, type, algorithm], async run =>
        {
            var path = ServiceCall.Of($"v1/keys/{run.Require(key)}/jws");
            var body = new JsonObject();
            body.Set("typ", run.Get(type));
            body.Set("algorithm", run.Get(algorithm));
            if (run.Get(claims) is not { } given) body.Set("payload", await VerbInput.Bytes(run.Context, run.Get(input)));
            else if (run.Get(input) is not null) throw VerbException.Usage("--claims stands instead of a payload.");
            else return await run.Answer(ServiceCall.Use(path, body) with { Verbatim = WithClaims(body, await VerbInput.Bytes(run.Context, given)) }, Token);
            return await run.Answer(ServiceCall.Use(path, body), Token);
        });
    }

    /// <summary>The verb <c>jwks</c>.</summary>
    public static Command Jwks(VerbContext context)
    {
        var prefix = Verb.Text("--prefix", "TEXT", "Only keys whose ids begin with this.");
        return Verb.Of(context, "jwks", "", [prefix], async run =>
        {
            // It is JSON for people, too.
            await run.Output.Json((await run.Ask(ServiceCall.Get(ServiceCall.WithQuery("v1/jwks", ("prefix", run.Get(prefix)))))).Body);
            return ExitCode.Done;
        });
    }

    private static string Token(JsonElement answer) => answer.Text("jws") ?? "";

    // A tree of nodes would lose white space and the way of writing, and with it what the caller may have hashed.
    private static byte[] WithClaims(JsonObject body, byte[] claims)
    {
        try
        {
            using var document = JsonDocument.Parse(claims);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException();
        }
        catch (JsonException e)
        {
            throw VerbException.Usage("--claims is not a JSON object.", inner: e);
        }

        var rest = Encoding.UTF8.GetBytes(body.ToJsonString())[1..];
        return [.. "{\"claims\":"u8, .. claims, .. rest.Length > 1 ? ","u8 : [], .. rest];
    }
}
