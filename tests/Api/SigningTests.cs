using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class SigningTests(DefaultApi api)
{
    private const string Spec = "ECC_NIST_P256";
    private static readonly byte[] _message = "signed over HTTP"u8.ToArray();

    [Fact]
    public async Task Sign_ThenVerify_AndThePublicKeyVerifiesElsewhere()
    {
        var id = await api.NewKey(new { spec = Spec });
        var key = (await api.Get("/v1/keys/" + id)).Json;
        Assert.Equal(("sign_verify", "ECDSA_SHA_256"), ((string)key["usage"]!, (string)Assert.Single(key["algorithms"]!.AsArray())!));
        var signed = (await api.Post($"/v1/keys/{id}/sign", new { message = _message })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "algorithm", "signature"], signed.Select(p => p.Key));
        Assert.Equal((id, 1, "ECDSA_SHA_256"), ((string)signed["key_id"]!, (int)signed["key_version"]!, (string)signed["algorithm"]!));
        var signature = signed["signature"].Deserialize<byte[]>()!;
        var verified = (await api.Post($"/v1/keys/{id}/verify", new { message = _message, signature })).Is(HttpStatusCode.OK).Json;
        Assert.Equal($$"""{"key_id":"{{id}}","valid":true,"key_version":1}""", verified.ToJsonString());
        verified = (await api.Post($"/v1/keys/{id}/verify", new { message = new byte[1], signature })).Is(HttpStatusCode.OK).Json;
        Assert.Equal($$"""{"key_id":"{{id}}","valid":false}""", verified.ToJsonString());

        var told = (await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "spec", "usage", "algorithms", "public_key", "pem", "jwk"], told.Select(p => p.Key));
        using var world = ECDsa.Create();
        world.ImportFromPem((string)told["pem"]!);
        Assert.True(world.VerifyData(_message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        Assert.Equal(told["public_key"].Deserialize<byte[]>(), world.ExportSubjectPublicKeyInfo());
        Assert.Equal(("EC", "P-256", "ES256", "sig", id + ".1"), (
            (string)told["jwk"]!["kty"]!, (string)told["jwk"]!["crv"]!, (string)told["jwk"]!["alg"]!, (string)told["jwk"]!["use"]!,
            (string)told["jwk"]!["kid"]!));

        var digest = SHA256.HashData(_message);
        signed = (await api.Post($"/v1/keys/{id}/sign", new { digest, encoding = "p1363", algorithm = "ECDSA_SHA_256" })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.True(world.VerifyHash(digest, signed["signature"].Deserialize<byte[]>()!, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
        var uses = (await api.Get("/v1/keys/" + id)).Json["uses"]!;
        Assert.Equal((2, 2, 0), ((int)uses["sign"]!, (int)uses["verify"]!, (int)uses["encrypt"]!));
    }

    [Fact]
    public async Task PublicKey_OfAnOlderVersion_IsAskedForByItsNumber()
    {
        var id = await api.NewKey(new { spec = Spec });
        var first = (string)(await api.Get($"/v1/keys/{id}/public-key")).Json["pem"]!;
        await api.Post($"/v1/keys/{id}/rotate");
        Assert.NotEqual(first, (string)(await api.Get($"/v1/keys/{id}/public-key")).Json["pem"]!);
        Assert.Equal(first, (string)(await api.Get($"/v1/keys/{id}/public-key?version=1")).Json["pem"]!);
        (await api.Get($"/v1/keys/{id}/public-key?version=3")).Is(HttpStatusCode.NotFound, "not_found");
        foreach (var bad in (string[])["0", "-1", "x", "", "99999999999"])
        {
            (await api.Get($"/v1/keys/{id}/public-key?version={bad}")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        (await api.Get($"/v1/keys/{id}/public-key?versions=1")).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Get($"/v1/keys/{await api.NewKey()}/public-key")).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
    }

    /// <summary>A mu that the caller computed (FIPS 204, 6.2) cannot be signed with every implementation, so with none: not as a field, nor in the disguise of a digest.</summary>
    [Fact]
    public async Task ExternalMu_IsRefused()
    {
        var id = await api.NewKey(new { spec = "ML_DSA_44" });
        var mu = new byte[64];
        (await api.Post($"/v1/keys/{id}/sign", new { mu })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post($"/v1/keys/{id}/sign", new { message = "AQ==", mu })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post($"/v1/keys/{id}/sign", new { digest = mu })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post($"/v1/keys/{id}/sign", new { message = mu, algorithm = "ML_DSA_44_EXTERNAL_MU" })).Is(HttpStatusCode.BadRequest, "unsupported_algorithm");
        (await api.Post($"/v1/keys/{id}/verify", new { digest = mu, signature = new byte[2420] })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Theory]
    [InlineData("""{}""", "invalid_request")]
    [InlineData("""{"message":"AQ==","digest":"AQ=="}""", "invalid_request")]
    [InlineData("""{"message":"AQ==","algoritm":"ECDSA_SHA_256"}""", "invalid_request")]
    [InlineData("""{"message":"A"}""", "invalid_request")]
    [InlineData("""{"digest":"AQ=="}""", "invalid_parameter")]
    [InlineData("""{"message":"AQ==","encoding":"DER"}""", "invalid_parameter")]
    [InlineData("""{"message":"AQ==","encoding":"raw"}""", "invalid_parameter")]
    [InlineData("""{"message":"AQ==","context":"AQ=="}""", "invalid_parameter")]
    [InlineData("""{"message":"AQ==","algorithm":"ECDSA_SHA_384"}""", "unsupported_algorithm")]
    [InlineData("""{"message":"AQ==","algorithm":""}""", "unsupported_algorithm")]
    [InlineData("""{"items":[]}""", "invalid_request")]
    [InlineData("""{"items":[null]}""", "invalid_request")]
    [InlineData("""{"items":[{"message":"AQ=="}],"message":"AQ=="}""", "invalid_request")]
    [InlineData("""{"items":[{"message":"AQ=="}],"algorithm":"ECDSA_SHA_256"}""", "invalid_request")]
    public async Task Sign_BadFields_AreRefused(string body, string code)
    {
        var id = await api.NewKey(new { spec = Spec });
        (await api.PostText($"/v1/keys/{id}/sign", body)).Is(HttpStatusCode.BadRequest, code);
        var node = JsonNode.Parse(body)!.AsObject();
        if (node["items"] is not JsonArray items) node["signature"] = "AQ==";
        else if (items is [JsonObject item]) item["signature"] = "AQ==";
        (await api.PostText($"/v1/keys/{id}/verify", node.ToJsonString())).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task Verify_NeedsASignature_AndAVersionThatThereIs()
    {
        var id = await api.NewKey(new { spec = Spec });
        (await api.Post($"/v1/keys/{id}/verify", new { message = "AQ==" })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post($"/v1/keys/{id}/verify", new { message = "AQ==", signature = "", key_version = 0 })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post($"/v1/keys/{id}/verify", new { message = "AQ==", signature = "", key_version = 2 })).Is(HttpStatusCode.NotFound, "not_found");
        Assert.False((bool)(await api.Post($"/v1/keys/{id}/verify", new { message = "AQ==", signature = "" })).Is(HttpStatusCode.OK).Json["valid"]!);
    }

    [Fact]
    public async Task Sizes_BeyondTheLimits_AreRefused()
    {
        var id = await api.NewKey(new { spec = Spec });
        (await api.Post($"/v1/keys/{id}/sign", new { message = "" })).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/sign", new { message = new byte[65536] })).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/sign", new { message = new byte[65537] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Post($"/v1/keys/{id}/verify", new { message = "", signature = new byte[65537] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        Assert.False((bool)(await api.Post($"/v1/keys/{id}/verify", new { message = "", signature = new byte[65536] })).Is(HttpStatusCode.OK).Json["valid"]!);
    }

    [Fact]
    public async Task Items_AndBatches_AnswerEachInItsPlace()
    {
        var (id, aes) = (await api.NewKey(new { spec = Spec }), await api.NewKey());
        var signed = (await api.Post($"/v1/keys/{id}/sign", new
        {
            items = new object[] { new { message = "AQ==", reference = "a" }, new { message = "Ag==", algorithm = "NONE" } },
        })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal(("a", "ECDSA_SHA_256"), ((string)signed[0]!["reference"]!, (string)signed[0]!["algorithm"]!));
        Assert.Equal("unsupported_algorithm", (string)signed[1]!["error"]!["code"]!);
        var signature = (string)signed[0]!["signature"]!;
        var verified = (await api.Post($"/v1/keys/{id}/verify", new
        {
            items = new object[] { new { message = "AQ==", signature }, new { message = "Ag==", signature, reference = "b" } },
        })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal((true, 1, false, "b"), ((bool)verified[0]!["valid"]!, (int)verified[0]!["key_version"]!, (bool)verified[1]!["valid"]!, (string)verified[1]!["reference"]!));
        Assert.Null(verified[1]!["key_version"]);

        var batch = (await api.Post("/v1/batch", new
        {
            operations = new object[]
            {
                new { op = "sign", key_id = id, message = "AQ==", encoding = "p1363" }, new { op = "verify", key_id = id, message = "AQ==", signature },
                new { op = "sign", key_id = aes, message = "AQ==" }, new { op = "encrypt", key_id = id, plaintext = "AQ==" },
                new { op = "sign", key_id = id }, new { op = "verify", key_id = id, message = "AQ==", signature, key_version = 5 },
            },
        })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal(64, batch[0]!["signature"].Deserialize<byte[]>()!.Length);
        Assert.True((bool)batch[1]!["valid"]!);
        Assert.Equal(
            ["wrong_key_usage", "wrong_key_usage", "invalid_request", "not_found"],
            batch.AsArray().Skip(2).Select(result => (string)result!["error"]!["code"]!));
        (await api.PostText("/v1/batch", $$"""{"operations":[{"op":"sign","key_id":"{{id}}","message":"AQ==","associated_data":"AQ=="}]}"""))
            .Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task KeyOfAnotherUsage_IsRefused()
    {
        var (id, aes) = (await api.NewKey(new { spec = Spec }), await api.NewKey());
        var ciphertext = await api.Encrypt(aes, [1]);
        (await api.Post($"/v1/keys/{aes}/sign", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{aes}/verify", new { message = "AQ==", signature = "" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/rewrap", new { ciphertext })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/datakey")).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post("/v1/reencrypt", new { ciphertext, destination_key_id = id })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post("/v1/keys", new { id = Api.NewId(), spec = Spec, usage = "encrypt_decrypt" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { id = Api.NewId(), spec = Spec, usage = "sign" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { id = Api.NewId(), spec = Spec, usage = "sign_verify" })).Is(HttpStatusCode.Created);
    }
}
