using System.Net;
using System.Text;
using System.Text.Json;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class EncapsulationTests(DefaultApi api)
{
    /// <summary>The specs that encapsulate, with the length of their ciphertexts.</summary>
    public static TheoryData<string, int> Specs => new() { { "ML_KEM_512", 768 }, { "ML_KEM_768", 1088 }, { "ML_KEM_1024", 1568 }, { "X_WING", 1120 } };

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Encapsulate_ThenDecapsulate_FindsTheSecret_AlsoAfterARotation(string spec, int length)
    {
        var id = await api.NewKey(new { spec });
        Assert.Equal("encapsulate", (string)(await api.Get("/v1/keys/" + id)).Json["usage"]!);
        var answer = (await Encapsulate(id)).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "shared_secret", "ciphertext"], answer.Select(p => p.Key));
        Assert.Equal((id, 1), ((string)answer["key_id"]!, (int)answer["key_version"]!));
        var (secret, ciphertext) = (Bytes(answer["shared_secret"]), Bytes(answer["ciphertext"]));
        Assert.Equal((32, length), (secret.Length, ciphertext.Length));
        var found = (await Decapsulate(id, new { ciphertext })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "shared_secret"], found.Select(p => p.Key));
        Assert.Equal((id, 1), ((string)found["key_id"]!, (int)found["key_version"]!));
        Assert.Equal(secret, Bytes(found["shared_secret"]));
        Assert.NotEqual(secret, Bytes((await Encapsulate(id)).Json["shared_secret"]));

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        Assert.Equal(2, (int)(await Encapsulate(id)).Is(HttpStatusCode.OK).Json["key_version"]!);
        Assert.Equal(secret, await Secret(id, new { ciphertext, key_version = 1 }));

        // The primary version is another key: it finds another secret, and nothing tells.
        var other = (await Decapsulate(id, new { ciphertext })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(2, (int)other["key_version"]!);
        Assert.NotEqual(secret, Bytes(other["shared_secret"]));

        var key = (await api.Get("/v1/keys/" + id)).Json;
        Assert.Equal((3, 3, 0, 0), ((int)key["uses"]!["encapsulate"]!, (int)key["uses"]!["decapsulate"]!, (int)key["uses"]!["verify"]!, (int)key["uses"]!["encrypt"]!));
        Assert.Equal([2, 1], key["versions"]!.AsArray().Select(v => (int)v!["uses"]!));
    }

    /// <summary>Whoever has the public key needs no call: here with the service's own code, in this process.</summary>
    [Theory]
    [MemberData(nameof(Specs))]
    public async Task PublicKey_EncapsulatesElsewhere(string spec, int length)
    {
        var id = await api.NewKey(new { spec });
        var answer = (await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json;
        Assert.Equal((spec, "encapsulate"), ((string)answer["spec"]!, (string)answer["usage"]!));
        using var elsewhere = KeyAlgorithms.Encapsulations.Single(a => a.Spec == spec).OpenPublic(KeyUsage.Encapsulate, 1, Bytes(answer["public_key"]))!;
        var ciphertext = new byte[length];
        using var secret = elsewhere.Require<IEncapsulates>().Encapsulate(ciphertext);
        Assert.Equal(secret.Span.ToArray(), await Secret(id, new { ciphertext, key_version = 1 }));
        Assert.StartsWith("-----BEGIN PUBLIC KEY-----", (string)answer["pem"]!, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Decapsulate_AChangedCiphertext_IsAnotherSecret_AndOneOfAnotherLengthNone(string spec, int length)
    {
        var id = await api.NewKey(new { spec });
        var made = (await Encapsulate(id)).Is(HttpStatusCode.OK).Json;
        var (secret, ciphertext) = (Bytes(made["shared_secret"]), Bytes(made["ciphertext"]));
        for (var i = 0; i < length; i++)
        {
            byte[] changed = [.. ciphertext];
            changed[i] ^= (byte)(1 << (i % 8));
            var found = await Secret(id, new { ciphertext = changed });
            Assert.NotEqual(secret, found);
            if (i % 97 == 0) Assert.Equal(found, await Secret(id, new { ciphertext = changed }));
        }

        foreach (var bad in (byte[][])[[], [1], ciphertext[..^1], [.. ciphertext, 0], new byte[100_000]])
        {
            (await Decapsulate(id, new { ciphertext = bad })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        }

        // One that can be none costs no use.
        var uses = (await api.Get("/v1/keys/" + id)).Json["uses"]!;
        Assert.Equal((1, length + ((length + 96) / 97)), ((int)uses["encapsulate"]!, (int)uses["decapsulate"]!));
    }

    [Theory]
    [InlineData("decapsulate", """{}""", "invalid_request")]
    [InlineData("decapsulate", """{"ciphertext":null}""", "invalid_request")]
    [InlineData("decapsulate", """{"ciphertext":"A"}""", "invalid_request")]
    [InlineData("decapsulate", """{"ciphertext":["AQ=="]}""", "invalid_request")]
    [InlineData("decapsulate", """{"ciphertext":"CT","key_version":0}""", "invalid_parameter")]
    [InlineData("decapsulate", """{"ciphertext":"CT","key_version":-1}""", "invalid_parameter")]
    [InlineData("decapsulate", """{"ciphertext":"CT","key_version":"1"}""", "invalid_request")]
    [InlineData("decapsulate", """{"ciphertext":"CT","associated_data":"AQ=="}""", "invalid_request")]
    [InlineData("decapsulate", """{"items":[{"ciphertext":"CT"}]}""", "invalid_request")]
    [InlineData("encapsulate", """{"key_version":1}""", "invalid_request")]
    [InlineData("encapsulate", """{"public_key":"AQ=="}""", "invalid_request")]
    [InlineData("encapsulate", """[]""", "invalid_request")]
    public async Task BadFields_AreRefused(string operation, string body, string code)
    {
        var id = await api.NewKey(new { spec = "ML_KEM_512" });
        var text = body.Replace("CT", Convert.ToBase64String(new byte[768]), StringComparison.Ordinal);
        (await api.PostText($"/v1/keys/{id}/{operation}", text)).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task States_OfTheKeyAndTheVersion_Decide()
    {
        var id = await api.NewKey(new { spec = "X_WING" });
        var ciphertext = Bytes((await Encapsulate(id)).Json["ciphertext"]);
        (await Decapsulate(id, new { ciphertext, key_version = 2 })).Is(HttpStatusCode.NotFound, "not_found");
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK);
        (await Decapsulate(id, new { ciphertext, key_version = 1 })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/versions/1/enable")).Is(HttpStatusCode.OK);
        await Secret(id, new { ciphertext, key_version = 1 });
        (await api.Patch($"/v1/keys/{id}", """{"min_decrypt_version":2}""")).Is(HttpStatusCode.OK);
        (await Decapsulate(id, new { ciphertext, key_version = 1 })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/versions/2/disable")).Is(HttpStatusCode.OK);
        (await Encapsulate(id)).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await Decapsulate(id, new { ciphertext })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK);
        (await Encapsulate(id)).Is(HttpStatusCode.Conflict, "key_disabled");
        (await Decapsulate(id, new { ciphertext })).Is(HttpStatusCode.Conflict, "key_disabled");
        (await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task KeysOfAnotherUsage_AreRefused_AndKeysThatEncapsulateDoNothingElse()
    {
        foreach (var spec in (string[])["AES_256_GCM", "HMAC_256", "ECC_NIST_P256", "X25519"])
        {
            var other = await api.NewKey(new { spec });
            (await Encapsulate(other)).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
            (await Decapsulate(other, new { ciphertext = new byte[1120] })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        }

        var id = await api.NewKey(new { spec = "ML_KEM_768", usage = "encapsulate" });
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/sign", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/derive", new { context = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/datakey")).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post("/v1/keys", new { spec = "ML_KEM_768", usage = "encrypt_decrypt" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { spec = "AES_256_GCM", usage = "encapsulate" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { spec = "ML_KEM_256" })).Is(HttpStatusCode.BadRequest, "unsupported_algorithm");
    }

    /// <summary>Who may encapsulate need not be allowed to find secrets, and the other way round.</summary>
    [Fact]
    public async Task Policies_TellTheTwoApart()
    {
        var id = await api.NewKey(new { spec = "ML_KEM_768" });
        var made = (await Encapsulate(id)).Json;
        var (encapsulates, decapsulates, uses) = (await TokenFor("keys:encapsulate", id), await TokenFor("keys:decapsulate", id), await TokenFor("use", id));
        var body = JsonSerializer.Serialize(new { ciphertext = Bytes(made["ciphertext"]) });
        foreach (var (token, mayEncapsulate, mayDecapsulate) in new[] { (encapsulates, true, false), (decapsulates, false, true), (uses, true, true) })
        {
            Expect(await As(token, $"/v1/keys/{id}/encapsulate", "{}"), mayEncapsulate);
            Expect(await As(token, $"/v1/keys/{id}/decapsulate", body), mayDecapsulate);
        }

        static void Expect(Answer answer, bool isAllowed) => Assert.Equal(isAllowed ? null : "permission_denied", answer.Code);
    }

    private async Task<string> TokenFor(string action, string id)
    {
        var name = Api.NewId();
        (await api.Put("/v1/policies/" + name, new { statements = new[] { new { effect = "allow", actions = new[] { action }, keys = new[] { id } } } })).Is(HttpStatusCode.OK);
        (await api.Post("/v1/principals", new { name, policies = new[] { name } })).Is(HttpStatusCode.Created);
        return (string)(await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
    }

    private async Task<Answer> As(string token, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", token);
        return await api.Send(request);
    }

    [Fact]
    public async Task Rotation_ByUses_IsMadeByTheNextEncapsulation_NeverByADecapsulation()
    {
        var id = await api.NewKey(new { spec = "ML_KEM_512", rotation = new { after_uses = 2 } });
        var made = (await Encapsulate(id)).Json;
        var (secret, ciphertext) = (Bytes(made["shared_secret"]), Bytes(made["ciphertext"]));
        for (var i = 0; i < 4; i++) Assert.Equal(secret, await Secret(id, new { ciphertext }));
        Assert.Equal(2, (int)(await Encapsulate(id)).Is(HttpStatusCode.OK).Json["key_version"]!);
        Assert.Equal(secret, await Secret(id, new { ciphertext, key_version = 1 }));
    }

    private Task<Answer> Encapsulate(string id) => api.Post($"/v1/keys/{id}/encapsulate");

    private Task<Answer> Decapsulate(string id, object body) => api.Post($"/v1/keys/{id}/decapsulate", body);

    private async Task<byte[]> Secret(string id, object body) => Bytes((await Decapsulate(id, body)).Is(HttpStatusCode.OK).Json["shared_secret"]);

    private static byte[] Bytes(System.Text.Json.Nodes.JsonNode? node) => node.Deserialize<byte[]>()!;
}
