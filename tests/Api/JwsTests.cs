using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace OrleansKms.Tests.Api;

/// <summary>Tokens, and the keys that are published to verify them.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class JwsTests(DefaultApi api)
{
    private const string Spec = "ECC_NIST_P256";
    private const string Claims = """{"sub":"shop","aud":"billing","exp":4102444800}""";

    [Theory]
    [InlineData(Spec, null, "ES256", 64)]
    [InlineData("ECC_NIST_P384", null, "ES384", 96)]
    [InlineData("ECC_NIST_P521", "ES512", "ES512", 132)]
    [InlineData("ECC_SECG_P256K1", null, "ES256K", 64)]
    [InlineData("RSA_2048", null, "PS256", 256)]
    [InlineData("RSA_2048", "RS256", "RS256", 256)]
    [InlineData("ED25519", null, "EdDSA", 64)]
    public async Task Token_HasItsThreeParts_AndItsKeyIsPublished(string spec, string? algorithm, string named, int length)
    {
        var id = await NewKey(spec);
        var answer = (await Sign(id, $$"""{"claims":{{Claims}},"typ":"at+jwt"{{(algorithm is null ? "" : $",\"algorithm\":\"{algorithm}\"")}}}""")).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "jws"], answer.Select(p => p.Key));
        Assert.Equal((id, 1), ((string)answer["key_id"]!, (int)answer["key_version"]!));
        var parts = ((string)answer["jws"]!).Split('.');
        Assert.Equal(
            [$$"""{"alg":"{{named}}","kid":"{{id}}.1","typ":"at+jwt"}""", Claims],
            parts[..2].Select(part => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(part))));
        Assert.Equal((3, length), (parts.Length, Base64Url.DecodeFromChars(parts[2]).Length));
        var published = Assert.Single((await Published(id)).Json["keys"]!.AsArray())!.AsObject();
        Assert.Equal((id + ".1", "sig"), ((string)published["kid"]!, (string)published["use"]!));
        Assert.Equal(published.ToJsonString(), (await api.Get($"/v1/keys/{id}/public-key")).Json["jwk"]!.ToJsonString());
        Assert.DoesNotContain(published, member => member.Key is "d" or "p" or "q" or "dp" or "dq" or "qi" or "k");
        Assert.Equal(spec.StartsWith("RSA", StringComparison.Ordinal) ? null : named, (string?)published["alg"]);
    }

    [Theory]
    [InlineData(Spec, null)]
    [InlineData("ECC_NIST_P384", null)]
    [InlineData("ECC_NIST_P521", null)]
    [InlineData("RSA_2048", null)]
    [InlineData("RSA_2048", "RS256")]
    public async Task MicrosoftIdentityModel_ValidatesTokens_BeforeAndAfterARotation(string spec, string? algorithm)
    {
        var id = await NewKey(spec);
        var first = await Token(id, algorithm);
        await Valid(id, first);
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        var second = await Token(id, algorithm);
        await Valid(id, first, second);
        var (changed, kept) = (second.Split('.'), first.Split('.'));
        Assert.False((await Validated(id, $"{changed[0]}.{changed[1]}.{kept[2]}")).IsValid);
        (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK);
        Assert.IsType<SecurityTokenSignatureKeyNotFoundException>((await Validated(id, first)).Exception);
        await Valid(id, second);
    }

    [Theory]
    [InlineData(Spec, null)]
    [InlineData("RSA_2048", null)]
    [InlineData("RSA_2048", "RS256")]
    public async Task JwtBearer_LetsBearersIn_BeforeAndAfterARotation(string spec, string? algorithm)
    {
        const string Unknown = "Bearer error=\"invalid_token\", error_description=\"The signature key was not found\"";
        var (id, other) = (await NewKey(spec), await NewKey(spec));
        var keys = $"http://127.0.0.1:{api.Port}/v1/jwks?prefix={id}";
        await using var service = await BearerService.Start(keys, await TokenFor("keys:jwks", id));
        var first = await Token(id, algorithm, service.Authority);
        Assert.Equal("shop", await service.Who(first));
        Assert.StartsWith(Unknown, await service.Who(await Token(other, algorithm, service.Authority)), StringComparison.Ordinal);
        var parts = first.Split('.');
        Assert.StartsWith("Bearer error=\"invalid_token\"", await service.Who($"{parts[0]}.{parts[1]}.{(await Token(other, algorithm, service.Authority)).Split('.')[2]}"), StringComparison.Ordinal);

        // It reads the keys again when a token names one that it does not know.
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        var second = await Token(id, algorithm, service.Authority);
        await service.Until(second, "shop");
        Assert.Equal("shop", await service.Who(first));

        (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        await service.Until(await Token(id, algorithm, service.Authority), "shop");
        Assert.StartsWith(Unknown, await service.Who(first), StringComparison.Ordinal);
        Assert.Equal("shop", await service.Who(second));
    }

    [Theory]
    [InlineData(Spec, null)]
    [InlineData("ECC_NIST_P521", null)]
    [InlineData("RSA_2048", null)]
    [InlineData("RSA_2048", "RS256")]
    [InlineData("ED25519", null)]
    public async Task Jose_ValidatesTokens_BeforeAndAfterARotation(string spec, string? algorithm)
    {
        var id = await NewKey(spec);
        using var jose = new JoseVerifier($"http://127.0.0.1:{api.Port}/v1/jwks?prefix={id}", "Bearer " + api.Token);
        var first = await Token(id, algorithm);
        var before = Assert.Single(await jose.Verify(first))!;
        Assert.Equal((id + ".1", "JWT", "shop"), ((string)before["header"]!["kid"]!, (string)before["header"]!["typ"]!, (string)before["claims"]!["sub"]!));

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        var second = await Token(id, algorithm);
        var (parts, other) = (second.Split('.'), first.Split('.'));
        var after = await jose.Verify(first, second, $"{parts[0]}.{parts[1]}.{other[2]}");
        Assert.Equal([id + ".1", id + ".2", null], after.Select(one => (string?)one!["header"]?["kid"]));
        Assert.Equal("ERR_JWS_SIGNATURE_VERIFICATION_FAILED", (string)after[2]!["error"]!);
        Assert.Equal(2, (await Published(id)).Json["keys"]!.AsArray().Count);

        (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK);
        using var afresh = new JoseVerifier($"http://127.0.0.1:{api.Port}/v1/jwks?prefix={id}", "Bearer " + api.Token);
        Assert.Equal([null, id + ".2"], (await afresh.Verify(first, second)).Select(one => (string?)one!["header"]?["kid"]));
    }

    [Theory]
    [InlineData(Spec, null)]
    [InlineData("RSA_2048", "RS256")]
    public async Task Token_ChangedAnywhere_IsRefusedByVerifiers(string spec, string? algorithm)
    {
        var id = await NewKey(spec);
        var token = await Token(id, algorithm);
        var (signed, signature) = (token[..token.LastIndexOf('.')], Base64Url.DecodeFromChars(token.AsSpan(token.LastIndexOf('.') + 1)));
        var (header, claims) = (Encoding.UTF8.GetString(Base64Url.DecodeFromChars(signed.Split('.')[0])), signed.Split('.')[1]);
        var keys = JsonWebKeySet.Create((await Published(id)).Text).GetSigningKeys();
        Assert.True((await Validated(keys, token)).IsValid);
        for (var i = 0; i < signed.Length; i++)
        {
            var changed = signed.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            Assert.False((await Validated(keys, new string(changed) + token[signed.Length..])).IsValid, $"character {i}");
        }

        for (var i = 0; i < signature.Length; i++)
        {
            var changed = signature.ToArray();
            changed[i] ^= (byte)(1 << (i % 8));
            Assert.False((await Validated(keys, $"{signed}.{Base64Url.EncodeToString(changed)}")).IsValid, $"byte {i} of the signature");
        }

        // Also as if anybody could have made it: without a signature, or with a MAC under what is published.
        var published = Encoding.ASCII.GetBytes((string)(await api.Get($"/v1/keys/{id}/public-key")).Json["pem"]!);
        var byMac = Base64Url.EncodeToString(Encoding.ASCII.GetBytes(header.Replace((string)JsonNode.Parse(header)!["alg"]!, "HS256", StringComparison.Ordinal))) + "." + claims;
        string[] forged =
        [
            signed + ".", signed, $"{signed}.{Base64Url.EncodeToString(signature.AsSpan()[..^1])}", $"{signed}.{Base64Url.EncodeToString([.. signature, 0])}",
            Base64Url.EncodeToString("{\"alg\":\"none\"}"u8) + $".{claims}.", $"{byMac}.{Base64Url.EncodeToString(HMACSHA256.HashData(published, Encoding.ASCII.GetBytes(byMac)))}",
        ];
        foreach (var forgery in forged) Assert.False((await Validated(keys, forgery)).IsValid, forgery);
        using var jose = new JoseVerifier($"http://127.0.0.1:{api.Port}/v1/jwks?prefix={id}", "Bearer " + api.Token);
        Assert.Equal([true, .. forged.Select(_ => false)], (await jose.Verify([token, .. forged])).Select(one => one!["error"] is null));
    }

    [Fact]
    public async Task Usages_AreApart()
    {
        var (tokens, signs) = (await NewKey(), await api.NewKey(new { spec = Spec }));
        var key = (await api.Get("/v1/keys/" + tokens)).Json;
        Assert.Equal(("jws", "ES256"), ((string)key["usage"]!, (string)Assert.Single(key["algorithms"]!.AsArray())!));
        (await api.Post($"/v1/keys/{tokens}/sign", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{tokens}/sign", new { items = new[] { new { message = "AQ==" } } })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{tokens}/verify", new { message = "AQ==", signature = "" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{tokens}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{signs}/jws", new { payload = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");

        // Also once both are ready.
        await Sign(tokens, """{"payload":"AQ=="}""");
        (await api.Post($"/v1/keys/{signs}/sign", new { message = "AQ==" })).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{tokens}/sign", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{signs}/jws", new { payload = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{await api.NewKey()}/jws", new { payload = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        Assert.Empty((await Published(signs)).Json["keys"]!.AsArray());
        foreach (var spec in (string[])["AES_256_GCM", "ML_DSA_44"])
        {
            (await api.Post("/v1/keys", new { id = Api.NewId(), spec, usage = "jws" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        var uses = (await api.Get("/v1/keys/" + tokens)).Json["uses"]!;
        Assert.Equal((1, 0, 1), ((int)uses["sign"]!, (int)uses["verify"]!, (int)uses["bytes"]!));
    }

    [Theory]
    [InlineData("""{}""", "invalid_request")]
    [InlineData("""{"payload":"AQ==","claims":{}}""", "invalid_request")]
    [InlineData("""{"payload":null,"claims":null}""", "invalid_request")]
    [InlineData("""{"payload":"A"}""", "invalid_request")]
    [InlineData("""{"payload":{"sub":"x"}}""", "invalid_request")]
    [InlineData("""{"message":"AQ=="}""", "invalid_request")]
    [InlineData("""{"claims":"AQ=="}""", "invalid_request")]
    [InlineData("""{"claims":[1]}""", "invalid_request")]
    [InlineData("""{"claims":{"sub":"a","sub":"b"}}""", "invalid_request")]
    [InlineData("""{"claims":{"sub":"a","s\u0075b":"b"}}""", "invalid_request")]
    [InlineData("""{"claims":{"a":[{"b":1,"b":2}]}}""", "invalid_request")]
    [InlineData("""{"claims":{"sub":"\ud800"}}""", "invalid_request")]
    [InlineData("""{"claims":{"\udc00":1}}""", "invalid_request")]
    [InlineData("""{"claims":{"n":01}}""", "invalid_request")]
    [InlineData("""{"claims":{"a":1,}}""", "invalid_request")]
    [InlineData("""{"claims":{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":{"j":{"k":{"l":{"m":{"n":{"o":{}}}}}}}}}}}}}}}}}""", "invalid_request")]
    [InlineData("""{"payload":"AQ==","typ":""}""", "invalid_parameter")]
    [InlineData("""{"payload":"AQ==","typ":"J\"WT"}""", "invalid_parameter")]
    [InlineData("""{"payload":"AQ==","typ":"ä"}""", "invalid_parameter")]
    [InlineData("""{"payload":"AQ==","typ":"01234567890123456789012345678901234567890123456789012345678901234"}""", "invalid_parameter")]
    [InlineData("""{"payload":"AQ==","algorithm":"ES384"}""", "unsupported_algorithm")]
    [InlineData("""{"payload":"AQ==","algorithm":"none"}""", "unsupported_algorithm")]
    [InlineData("""{"payload":"AQ==","algorithm":"ECDSA_SHA_256"}""", "unsupported_algorithm")]
    [InlineData("""{"items":[{"payload":"AQ=="}]}""", "invalid_request")]
    public async Task BadFields_AreRefused(string body, string code) =>
        (await api.PostText($"/v1/keys/{await NewKey()}/jws", body)).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Claims_ThatAreNoUtf8_AreRefused()
    {
        var body = """{"claims":{"sub":"?"}}"""u8.ToArray();
        body[Array.IndexOf(body, (byte)'?')] = 0xff;
        (await api.Body(HttpMethod.Post, $"/v1/keys/{await NewKey()}/jws", body)).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Payload_IsSignedAsItWasGiven()
    {
        var id = await NewKey();
        const string Given = "{ \"z\":1.50,\"a\" :\"\\u00e4 \\/\", \"\u00fc\":[1e3 ,null],\"big\":12345678901234567890123 }";
        Assert.Equal(Given, PayloadOf(await Sign(id, $$"""{"claims":   {{Given}}  }""")));
        Assert.Equal("", PayloadOf(await Sign(id, """{"payload":""}""")));
        Assert.Equal("not JSON", PayloadOf(await Sign(id, $$"""{"payload":"{{Api.Base64("not JSON")}}"}""")));
        await Sign(id, $$$"""{"claims":{"a":"{{{new string('x', 65536 - 8)}}}"}}""");
        (await api.PostText($"/v1/keys/{id}/jws", $$$"""{"claims":{"a":"{{{new string('x', 65536 - 7)}}}"}}"""))
            .Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Post($"/v1/keys/{id}/jws", new { payload = new byte[65537] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task Published_AreTheVersionsThatVerify_OfKeysThatCanBeUsed()
    {
        var id = await NewKey();
        await api.Post($"/v1/keys/{id}/rotate");
        await api.Post($"/v1/keys/{id}/rotate");
        Assert.Equal([3, 2, 1], await Versions(id));
        await api.Post($"/v1/keys/{id}/versions/2/disable");
        Assert.Equal([3, 1], await Versions(id));
        await api.Post($"/v1/keys/{id}/versions/2/enable");
        await api.Patch("/v1/keys/" + id, """{"min_decrypt_version":2}""");
        Assert.Equal([3, 2], await Versions(id));
        await api.Post($"/v1/keys/{id}/versions/2/destroy");
        Assert.Equal([3], await Versions(id));
        await api.Post($"/v1/keys/{id}/disable");
        Assert.Empty(await Versions(id));
        (await api.Post($"/v1/keys/{id}/jws", new { payload = "AQ==" })).Is(HttpStatusCode.Conflict, "key_disabled");
        await api.Post($"/v1/keys/{id}/enable");
        Assert.Equal([3], await Versions(id));
        await api.Post($"/v1/keys/{id}/schedule-deletion");
        Assert.Empty(await Versions(id));
    }

    [Fact]
    public async Task Published_HaveATag_ThatChangesWithThem()
    {
        var id = await NewKey();
        var answer = await Published(id);
        var tag = answer.Header("ETag");
        Assert.Matches("^\"[A-Za-z0-9_-]{43}\"$", tag);
        Assert.Equal(("max-age=300, private", "Authorization", "application/json"), (answer.Header("Cache-Control"), answer.Header("Vary"), answer.Header("Content-Type")));
        foreach (var known in (string[])[tag, "W/" + tag, "\"other\", " + tag, "*"])
        {
            var same = await Published(id, known);
            Assert.Equal((HttpStatusCode.NotModified, 0, tag, "max-age=300, private"), (same.Status, same.Body.Length, same.Header("ETag"), same.Header("Cache-Control")));
        }

        foreach (var unknown in (string[])["\"other\"", "nonsense", "\"\""]) Assert.Equal(HttpStatusCode.OK, (await Published(id, unknown)).Status);
        await Sign(id, """{"payload":""}""");
        Assert.Equal(HttpStatusCode.NotModified, (await Published(id, tag)).Status);
        await api.Post($"/v1/keys/{id}/rotate");
        var rotated = await Published(id, tag);
        Assert.Equal((HttpStatusCode.OK, 2), (rotated.Status, rotated.Json["keys"]!.AsArray().Count));
        Assert.NotEqual(tag, rotated.Header("ETag"));
    }

    [Fact]
    public async Task Published_AreThoseOfThePrefix_ThatTheCallerMaySee()
    {
        var space = "jwks." + Guid.NewGuid().ToString("N");
        string[] ids = [space + ".a", space + ".b", space + ".c"];
        foreach (var id in ids) (await api.Post("/v1/keys", new { id, spec = Spec, usage = "jws" })).Is(HttpStatusCode.Created);
        (await api.Post("/v1/keys", new { id = space + ".signs", spec = Spec })).Is(HttpStatusCode.Created);
        (await api.Post("/v1/keys", new { id = space + ".encrypts" })).Is(HttpStatusCode.Created);
        Assert.Equal([ids[0] + ".1", ids[1] + ".1", ids[2] + ".1"], Kids(await Published(space)));
        Assert.Equal([ids[1] + ".1"], Kids(await Published(ids[1])));
        (await api.Get("/v1/jwks?prefix=%20")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Get("/v1/jwks?prefixes=a")).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Body(HttpMethod.Get, "/v1/jwks", "{}"u8.ToArray())).Is(HttpStatusCode.BadRequest, "invalid_request");

        var verifier = await TokenFor("keys:jwks", space + ".*");
        (await As(verifier, HttpMethod.Get, "/v1/keys/" + ids[0])).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await As(verifier, HttpMethod.Post, $"/v1/keys/{ids[0]}/jws", """{"payload":""}""")).Is(HttpStatusCode.Forbidden, "permission_denied");
        Assert.Equal(3, Kids(await As(verifier, HttpMethod.Get, "/v1/jwks?prefix=" + space)).Count());
        Assert.Equal(3, Kids(await As(verifier, HttpMethod.Get, "/v1/jwks")).Count());
        Assert.Equal([ids[0] + ".1"], Kids(await As(await TokenFor("keys:jwks", ids[0]), HttpMethod.Get, "/v1/jwks")));
        var issuer = await TokenFor("keys:jws", ids[0]);
        (await As(issuer, HttpMethod.Get, "/v1/jwks")).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await As(issuer, HttpMethod.Post, $"/v1/keys/{ids[0]}/jws", """{"payload":""}""")).Is(HttpStatusCode.OK);
        (await As(issuer, HttpMethod.Post, $"/v1/keys/{ids[1]}/jws", """{"payload":""}""")).Is(HttpStatusCode.Forbidden, "permission_denied");

        // A key's own policy hides it, too.
        (await api.Put($"/v1/keys/{ids[1]}/policy", new { statements = new[] { new { effect = "allow", actions = new[] { "keys:jws" } } } })).Is(HttpStatusCode.OK);
        Assert.Equal([ids[0] + ".1", ids[2] + ".1"], Kids(await As(verifier, HttpMethod.Get, "/v1/jwks?prefix=" + space)));
    }

    [Fact]
    public async Task Tokens_AreLimitedAndAudited_AsUsesOfTheKey()
    {
        var id = await api.NewKey(new { spec = Spec, usage = "jws" });
        (await api.Patch("/v1/keys/" + id, """{"limits":[{"count":2,"per":"P1D"}]}""")).Is(HttpStatusCode.OK);
        await Sign(id, """{"payload":"AQID"}""");
        await Sign(id, """{"payload":""}""");
        (await api.Post($"/v1/keys/{id}/jws", new { payload = "" })).Is(HttpStatusCode.TooManyRequests, "rate_limited");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        JsonArray records;
        do
        {
            // The trail is searched a moment after it is written.
            patience.Token.ThrowIfCancellationRequested();
            records = (await api.Get($"/v1/audit?key={id}&action=keys:jws")).Is(HttpStatusCode.OK).Json["records"]!.AsArray();
        }
        while (records.Count < 3);
        Assert.Equal(["rate_limited  0", "ok 1 0", "ok 1 3"], records.Select(record => $"{record!["outcome"]} {record["key_version"]} {record["bytes"] ?? 0}"));
    }

    private static string PayloadOf(Answer answer) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(((string)answer.Json["jws"]!).Split('.')[1]));

    private static IEnumerable<string> Kids(Answer answer) => answer.Is(HttpStatusCode.OK).Json["keys"]!.AsArray().Select(key => (string)key!["kid"]!);

    private Task<string> NewKey(string spec = Spec) => api.NewKey(new { spec, usage = "jws" });

    private async Task<Answer> Sign(string id, string body) => (await api.PostText($"/v1/keys/{id}/jws", body)).Is(HttpStatusCode.OK);

    private async Task<string> Token(string id, string? algorithm, string? issuer = null)
    {
        var claims = issuer is null ? Claims : Claims.Replace("{", $$"""{"iss":"{{issuer}}",""", StringComparison.Ordinal);
        return (string)(await Sign(
            id, $$"""{"claims":{{claims}},"typ":"JWT"{{(algorithm is null ? "" : $",\"algorithm\":\"{algorithm}\"")}}}""")).Json["jws"]!;
    }

    private async Task<Answer> Published(string prefix, string? known = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/jwks?prefix=" + prefix);
        if (known is not null) request.Headers.TryAddWithoutValidation("If-None-Match", known);
        return await api.Send(request);
    }

    private async Task<IEnumerable<int>> Versions(string id) => Kids(await Published(id)).Select(kid => int.Parse(kid[(id.Length + 1)..], null));

    private async Task Valid(string id, params string[] tokens)
    {
        foreach (var token in tokens)
        {
            var result = await Validated(id, token);
            Assert.True(result.IsValid, result.Exception?.ToString());
            Assert.Equal("shop", result.Claims["sub"]);
        }
    }

    private async Task<TokenValidationResult> Validated(string id, string token) =>
        await Validated(JsonWebKeySet.Create((await Published(id)).Is(HttpStatusCode.OK).Text).GetSigningKeys(), token);

    private static Task<TokenValidationResult> Validated(IEnumerable<SecurityKey> keys, string token) => new JsonWebTokenHandler().ValidateTokenAsync(token, new()
    {
        ValidateIssuer = false,
        ValidAudience = "billing",
        IssuerSigningKeys = keys,
    });

    private async Task<string> TokenFor(string action, string keys)
    {
        var name = Api.NewId();
        (await api.Put("/v1/policies/" + name, new { statements = new[] { new { effect = "allow", actions = new[] { action }, keys = new[] { keys } } } })).Is(HttpStatusCode.OK);
        (await api.Post("/v1/principals", new { name, policies = new[] { name } })).Is(HttpStatusCode.Created);
        return (string)(await api.Post($"/v1/principals/{name}/tokens", new { })).Is(HttpStatusCode.Created).Json["token"]!;
    }

    private async Task<Answer> As(string token, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await api.Send(request);
    }
}
