using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Api;

/// <summary>The console in Chromium, by the script console.mjs of tests/Node: one start of the browser for everything.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class ConsoleBrowserTests(DefaultApi api)
{
    private const string Hostile = "<img src=x onerror=\"window.xss=1\"><script>window.xss=1</script>'\"&amp;";

    [Fact]
    public async Task Console_IsUsed_ByUsersOfKeys_OnNarrowAndWideScreens_InBothThemes()
    {
        var hostile = await api.NewKey(new { description = Hostile, tags = new Dictionary<string, string> { ["<b onclick=x>"] = Hostile } });
        var approver = "approver-" + Guid.NewGuid().ToString("N");
        (await api.Post("/v1/principals", new { name = approver, description = Hostile, policies = new[] { "key-manager" } })).Is(HttpStatusCode.Created);
        var token = (string)(await api.Post($"/v1/principals/{approver}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        var guarded = await api.NewKey(new { approval = new { operations = new[] { "disable" }, required = 1, approvers = new[] { approver } } });
        (await api.Post($"/v1/keys/{guarded}/disable")).Is(HttpStatusCode.Accepted);
        var reader = Api.NewId();
        var usages = new Dictionary<string, string>();
        foreach (var (usage, spec) in ((string, string)[])
            [("sign_verify", "ED25519"), ("mac", "HMAC_256"), ("derive", "HKDF_256"), ("jws", "ECC_NIST_P256"), ("encrypt_decrypt", "RSA_2048")])
        {
            usages[usage] = await api.NewKey(new { spec, usage });
        }

        var seen = JsonObject.Create(await NodeScript.Run("console.mjs", new
        {
            url = api.Http.BaseAddress!.GetLeftPart(UriPartial.Authority),
            token = api.Token,
            approver = token,
            guarded,
            hostile,
            reader,
            usages,
            // For whoever wants to look at it, too.
            pictures = Environment.GetEnvironmentVariable("OKMS_TEST_PICTURES"),
        }))!;
        foreach (var fault in (string[])["refusedByPolicy", "errors", "foreign", "wide", "unreadable"])
        {
            Assert.Equal((fault, "[]"), (fault, seen[fault]!.ToJsonString()));
        }

        var steps = seen["steps"]!;
        string Step(string name) => steps[name]!.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        Assert.Equal("\"/console\"", Step("address"));
        Assert.Contains("unauthenticated", Step("wrongToken"), StringComparison.Ordinal);
        Assert.Equal("\"id\"", Step("focusInDialog"));
        Assert.Equal("true", Step("arrived"));
        Assert.Equal("\"grüße <b>&\"", Step("plaintext"));
        Assert.Contains($"/v1/keys/{hostile}.made/encrypt'", (string)steps["curl"]!, StringComparison.Ordinal);
        Assert.Contains($"\"plaintext\":\"{Api.Base64("grüße <b>&")}\"", (string)steps["curl"]!, StringComparison.Ordinal);
        Assert.Equal(["2 primary", "1"], steps["versions"]!.AsArray().Select(version => (string)version!));
        Assert.Equal("false", Step("deletesWithoutTheWholeId"));
        Assert.NotEqual("\"BODY\"", Step("focusAfterDialog"));
        Assert.Equal("""[{"name":"okms-console","path":"/v1","httpOnly":true,"sameSite":"Strict"}]""", Step("cookie"));
        Assert.Equal("\"\"", Step("scriptsSee"));
        Assert.Equal("0", Step("cookiesLeft"));
        Assert.Equal([Hostile, "<b onclick=x>: " + Hostile], steps["hostileText"]!.AsArray().Select(text => (string)text!));
        Assert.Equal("0", Step("hostileElements"));
        Assert.Equal(["0", "1"], steps["uses"]!.AsArray().Select(text => (string)text!));
        Assert.Equal("false", Step("tokenStaysInThePage"));
        Assert.Equal(["allowed", "refused"], steps["simulated"]!.AsArray().Select(text => (string)text!));
        Assert.Contains("administrator", Step("credentials"), StringComparison.Ordinal);
        Assert.Equal(("1", "0"), (Step("dashboard"), Step("dashboardOfOthers")));
        Assert.Contains("permission_denied", Step("refused"), StringComparison.Ordinal);

        await Tried(usages, steps["usages"]!);

        // What the browser did is what the service has done.
        Assert.Equal("enabled", (string)(await api.Get($"/v1/keys/{hostile}.made")).Is(HttpStatusCode.OK).Json["state"]!);
        Assert.Equal("disabled", (string)(await api.Get("/v1/keys/" + guarded)).Is(HttpStatusCode.OK).Json["state"]!);
        using var created = new HttpRequestMessage(HttpMethod.Get, "/v1/whoami");
        created.Headers.Authorization = new("Bearer", (string)steps["token"]!);
        Assert.Equal(reader, (string)(await api.Send(created)).Is(HttpStatusCode.OK).Json["principal"]!);
    }

    /// <summary>What the forms answered is what the routes answer.</summary>
    private async Task Tried(Dictionary<string, string> usages, JsonNode tried)
    {
        string Text(string name) => (string)tried[name]!;
        async Task<JsonNode> Post(string usage, string operation, object body) => (await api.Post($"/v1/keys/{usages[usage]}/{operation}", body)).Is(HttpStatusCode.OK).Json;
        Assert.True((bool)(await Post("sign_verify", "verify", new { message = Api.Base64("grüße"), signature = Text("signature"), algorithm = "ED25519_PH" }))["valid"]!);
        Assert.Equal((string)(await Post("mac", "mac", new { message = "AQID" }))["mac"]!, Text("mac"));
        Assert.Equal((string)(await Post("derive", "derive", new { context = Api.Base64("tenant=42"), bytes = 48 }))["derived"]!, Text("derived"));
        Assert.Contains("This is not JSON", Text("noClaims"), StringComparison.Ordinal);
        Assert.Equal("""{"sub":"somebody"}""", System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(Text("jws").Split('.')[1])));
        Assert.Equal(0, (int)tried["associated"]!);
        Assert.Equal((byte)0x41, Convert.FromBase64String(Text("ciphertext"))[1]);
        Assert.Equal("grüße", Text("plaintext"));
        Assert.Equal(Api.Base64("grüße"), (string)(await Post("encrypt_decrypt", "decrypt", new { ciphertext = Text("ciphertext") }))["plaintext"]!);
    }
}
