using System.CommandLine;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Cryptography;

/// <summary>The verbs of <c>okms mac</c>.</summary>
internal static class MacVerbs
{
    /// <summary>The noun with its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group("mac", "", Make(context), Verify(context));

    private static Command Make(VerbContext context)
    {
        var (key, input, output) = (Verb.Key(), CryptographyOptions.Input("MESSAGE"), BytesOutput.Base64(context));
        return Verb.Of(context, "make", "Makes the MAC of a message.", [key, input, .. output.Options], async run =>
        {
            var body = new JsonObject();
            body.Set("message", await VerbInput.Bytes(run.Context, run.Get(input)));
            return await run.Answer(ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/mac"), body), json => output.Write(run, json.Bytes("mac")));
        });
    }

    private static Command Verify(VerbContext context)
    {
        var (key, input, version) = (Verb.Key(), CryptographyOptions.Input("MESSAGE"), Verb.Version("The version that made it; by default every one is tried."));
        var mac = new Option<string>("--mac") { HelpName = "VALUE", Required = true, Description = $"The MAC: {VerbInput.BinaryForms}." };
        return Verb.Of(context, "verify", "Verifies the MAC of a message. Exit code 1: it is not valid.", [key, input, mac, version], async run =>
        {
            var body = new JsonObject();
            body.Set("message", await VerbInput.Bytes(run.Context, run.Get(input)));
            body.Set("mac", (await VerbInput.Made(run.Context, run.Get(mac), "mac")).Bytes);
            body.Set("key_version", run.Get(version));
            return await SignatureVerbs.Verdict(run, ServiceCall.Use(ServiceCall.Of($"v1/keys/{run.Require(key)}/mac/verify"), body));
        });
    }
}
