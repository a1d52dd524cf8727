using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Api;

/// <summary>
/// What each route of cryptography says of each of its fields when something else stands there: PEM for DER, a mebibyte of it, JSON of
/// another kind. Always the same refusal, and never an error of the service.
/// </summary>
[Collection(DefaultApiCollection.Name)]
public sealed class HostileFieldTests(DefaultApi api)
{
    private static readonly string _pem = PemEncoding.WriteString("PUBLIC KEY", new byte[100]);
    private static readonly string _hugePem = PemEncoding.WriteString("PUBLIC KEY", new byte[(1 << 20) / 4 * 3]);

    private static readonly object _rsa = new { spec = "RSA_2048", usage = "encrypt_decrypt" };

    /// <summary>Good requests: a route, what its key is created with, and a body. Each field of each route stands in one of them.</summary>
    private static readonly (string Route, object? Key, Func<HostileFieldTests, string, Task<JsonObject>> Body)[] _requests =
    [
        ("/v1/keys/{id}/encrypt", new { }, (_, _) => Body(("plaintext", "AQ=="), ("associated_data", "AQ=="))),
        ("/encrypt", new { }, (_, id) => Body(("key_id", id), ("plaintext", "AQ=="), ("associated_data", "AQ=="))),
        ("/v1/keys/{id}/encrypt", _rsa, (_, _) => Body(("plaintext", "AQ=="), ("algorithm", "RSAES_OAEP_SHA_256"), ("raw", true))),
        ("/encrypt", _rsa, (_, id) => Body(("key_id", id), ("plaintext", "AQ=="), ("algorithm", "RSAES_OAEP_SHA_256"), ("raw", true))),
        ("/v1/keys/{id}/decrypt", new { }, (tests, id) => tests.OfCiphertext(id)),
        ("/v1/keys/{id}/decrypt", _rsa, (tests, id) => tests.OfRawCiphertext(id)),
        ("/decrypt", _rsa, (tests, id) => tests.OfRawCiphertext(id, ("key_id", id))),
        ("/v1/keys/{id}/rewrap", new { }, (tests, id) => tests.OfCiphertext(id)),
        ("/v1/decrypt", new { }, (tests, id) => tests.OfCiphertext(id)),
        ("/decrypt", new { }, (tests, id) => tests.OfCiphertext(id, ("key_id", id))),
        ("/v1/reencrypt", new { }, (tests, id) => tests.OfCiphertext(id, ("destination_key_id", id), ("destination_associated_data", "AQ=="))),
        ("/v1/keys/{id}/datakey", new { }, (_, _) => Body(("bytes", 32), ("plaintext", false), ("associated_data", "AQ=="))),
        ("/v1/keys/{id}/datakey-pair", new { }, (_, _) => Body(("spec", "X25519"), ("plaintext", false), ("associated_data", "AQ=="))),
        ("/v1/keys/{id}/sign", new { spec = "ECC_NIST_P256" }, (_, _) => Body(("message", "AQ=="), ("algorithm", "ECDSA_SHA_256"), ("encoding", "der"))),
        ("/v1/keys/{id}/sign", new { spec = "ECC_NIST_P256" }, (_, _) => Body(("digest", Convert.ToBase64String(new byte[32])))),
        ("/v1/keys/{id}/sign", new { spec = "ML_DSA_44" }, (_, _) => Body(("message", "AQ=="), ("context", "AQ=="))),
        ("/v1/keys/{id}/verify", new { spec = "ECC_NIST_P256" }, (_, _) => Body(("message", "AQ=="), ("algorithm", "ECDSA_SHA_256"), ("encoding", "der"), ("signature", "AQ=="), ("key_version", 1))),
        ("/v1/keys/{id}/verify", new { spec = "ECC_NIST_P256" }, (_, _) => Body(("digest", Convert.ToBase64String(new byte[32])), ("signature", "AQ=="))),
        ("/v1/keys/{id}/verify", new { spec = "ML_DSA_44" }, (_, _) => Body(("message", "AQ=="), ("context", "AQ=="), ("signature", "AQ=="))),
        ("/v1/keys/{id}/mac", new { spec = "HMAC_256" }, (_, _) => Body(("message", "AQ=="))),
        ("/v1/keys/{id}/mac/verify", new { spec = "HMAC_256" }, (_, _) => Body(("message", "AQ=="), ("mac", Convert.ToBase64String(new byte[32])), ("key_version", 1))),
        ("/v1/keys/{id}/derive", new { spec = "HKDF_256" }, (_, _) => Body(("context", "AQ=="), ("salt", "AQ=="), ("bytes", 32), ("key_version", 1))),
        ("/v1/keys/{id}/derive", new { spec = "X25519" }, (tests, id) => tests.OfPublicKey(id)),
        ("/v1/keys/{id}/jws", new { spec = "ECC_NIST_P256", usage = "jws" }, (_, _) => Body(("payload", "AQ=="), ("typ", "JWT"), ("algorithm", "ES256"))),
        ("/v1/keys/{id}/jws", new { spec = "ECC_NIST_P256", usage = "jws" }, (_, _) => Body(("claims", new JsonObject { ["sub"] = "x" }))),
        ("/v1/keys/{id}/decapsulate", new { spec = "ML_KEM_512" }, (_, _) => Body(("ciphertext", Convert.ToBase64String(new byte[768])), ("key_version", 1))),
        ("/v1/keys/{id}/encapsulate", new { spec = "ML_KEM_512" }, (_, _) => Body()),
        ("/v1/keys/{id}/decapsulate", new { spec = "ML_KEM_512" }, (_, _) => Body(("ciphertext", Convert.ToBase64String(new byte[768])), ("key_version", 1))),
        ("/v1/random", null, (_, _) => Body(("bytes", 32))),
    ];

    public static TheoryData<int, string> Requests
    {
        get
        {
            var rows = new TheoryData<int, string>();
            for (var i = 0; i < _requests.Length; i++) rows.Add(i, _requests[i].Route);
            return rows;
        }
    }

    [Fact]
    public async Task EveryField_OfEveryRoute_IsTried()
    {
        foreach (var route in Routes.All.Where(route => route is { Tag: "Cryptography", Request: not null, Pattern: not "/v1/batch" }))
        {
            var bodies = await Task.WhenAll(_requests.Where(request => request.Route == route.Pattern).Select(async request =>
                await request.Body(this, request.Key is null ? "" : await api.NewKey(request.Key))));
            Assert.Equal(
                (route.Pattern, string.Join(' ', FieldsOf(route.Request!).Order(StringComparer.Ordinal))),
                (route.Pattern, string.Join(' ', bodies.SelectMany(body => body.Select(p => p.Key)).Distinct().Order(StringComparer.Ordinal))));
        }
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Field_ThatHoldsSomethingElse_IsRefused(int row, string route)
    {
        var id = _requests[row].Key is { } key ? await api.NewKey(key) : "";
        var body = await _requests[row].Body(this, id);
        var path = route.Replace("{id}", id, StringComparison.Ordinal);
        (await Post(path, body)).Is(HttpStatusCode.OK);
        foreach (var (field, good) in body.ToList())
        {
            JsonNode[] others = [true, 1.5, new JsonArray("AQ=="), new JsonObject { ["AQ=="] = 1 }];
            foreach (var other in others.Where(other => !IsSameKind(other, good!))) (await Post(path, With(body, field, other))).Is(HttpStatusCode.BadRequest, "invalid_request");
            if (good!.GetValueKind() is JsonValueKind.Number)
            {
                foreach (var number in (string[])["1e99", "99999999999", "1.0e0", "-0.5"])
                {
                    (await api.PostText(path, With(body, field, "NUMBER").ToJsonString().Replace("\"NUMBER\"", number, StringComparison.Ordinal))).Is(HttpStatusCode.BadRequest, "invalid_request");
                }

                foreach (var number in (int[])[0, -1, int.MinValue]) (await Post(path, With(body, field, number))).Is(HttpStatusCode.BadRequest, "invalid_parameter");
            }

            foreach (var text in (string[])[_pem, "AQ=", "\u00e4", "\u0000"]) (await Post(path, With(body, field, text))).Is(HttpStatusCode.BadRequest, CodeOfText(field));
            var huge = await Post(path, With(body, field, _hugePem));
            if (huge.Status == HttpStatusCode.RequestEntityTooLarge) huge.Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
            else huge.Is(HttpStatusCode.BadRequest, CodeOfText(field));
            (await Post(path, With(body, "another", good.DeepClone()))).Is(HttpStatusCode.BadRequest, "invalid_request");
        }

        (await Post(path, body)).Is(HttpStatusCode.OK);
    }

    /// <summary>A mebibyte in base64, where a field holds bytes.</summary>
    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Bytes_ThatAreTooMany_AreRefused(int row, string route)
    {
        var id = _requests[row].Key is { } key ? await api.NewKey(key) : "";
        var body = await _requests[row].Body(this, id);
        var huge = Convert.ToBase64String(new byte[1 << 20]);
        foreach (var (field, good) in body.ToList().Where(p => CodeOfText(p.Key) == "invalid_request" && p.Value!.GetValueKind() == JsonValueKind.String))
        {
            var answer = await Post(route.Replace("{id}", id, StringComparison.Ordinal), With(body, field, huge));
            var expected = (answer.Status, field) switch
            {
                (HttpStatusCode.RequestEntityTooLarge, _) => "payload_too_large",
                (HttpStatusCode.BadRequest, "ciphertext") => "invalid_ciphertext",
                (HttpStatusCode.BadRequest, "mac" or "context") => "invalid_parameter",
                _ => "none",
            };
            Assert.Equal((route, field, expected), (route, field, answer.Code));
        }
    }

    /// <summary>The refusal of a text that is no value of the field.</summary>
    private static string CodeOfText(string field) => field switch
    {
        "algorithm" or "spec" => "unsupported_algorithm",
        "encoding" or "typ" or "public_key" => "invalid_parameter",
        "key_id" or "destination_key_id" => "invalid_key_id",
        _ => "invalid_request",
    };

    private static bool IsSameKind(JsonNode one, JsonNode other) => one.GetValueKind() == other.GetValueKind() || (IsBoolean(one) && IsBoolean(other));

    private static bool IsBoolean(JsonNode node) => node.GetValueKind() is JsonValueKind.True or JsonValueKind.False;

    private static IEnumerable<string> FieldsOf(Type body) => body.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is null && property.Name != "Items")
        .Select(property => property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));

    private static Task<JsonObject> Body(params (string Field, JsonNode Value)[] fields) =>
        Task.FromResult(new JsonObject(fields.Select(field => KeyValuePair.Create<string, JsonNode?>(field.Field, field.Value))));

    private static JsonObject With(JsonObject body, string field, JsonNode value)
    {
        var changed = body.DeepClone().AsObject();
        changed[field] = value;
        return changed;
    }

    private async Task<JsonObject> OfCiphertext(string id, params (string Field, JsonNode Value)[] fields) =>
        await Body([("ciphertext", Convert.ToBase64String(await api.Encrypt(id, [1], [1]))), ("associated_data", "AQ=="), .. fields]);

    private async Task<JsonObject> OfRawCiphertext(string id, params (string Field, JsonNode Value)[] fields)
    {
        var bare = (string)(await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==", raw = true })).Is(HttpStatusCode.OK).Json["ciphertext"]!;
        return await Body([("ciphertext", bare), ("raw", true), ("key_version", 1), ("algorithm", "RSAES_OAEP_SHA_256"), .. fields]);
    }

    private async Task<JsonObject> OfPublicKey(string id) =>
        await Body(("public_key", (string)(await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json["pem"]!), ("raw", true), ("key_version", 1));

    private Task<Answer> Post(string path, JsonObject body) => api.Body(HttpMethod.Post, path, Encoding.UTF8.GetBytes(body.ToJsonString()));
}
