using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class MacTests(DefaultApi api)
{
    private static readonly byte[] _message = "authenticated over HTTP"u8.ToArray();

    [Theory]
    [InlineData("HMAC_224", 28)]
    [InlineData("HMAC_256", 32)]
    [InlineData("HMAC_384", 48)]
    [InlineData("HMAC_512", 64)]
    public async Task Mac_ThenVerify_OverARotation(string spec, int length)
    {
        var id = await api.NewKey(new { spec });
        Assert.Equal("mac", (string)(await api.Get("/v1/keys/" + id)).Json["usage"]!);
        var made = (await api.Post($"/v1/keys/{id}/mac", new { message = _message })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "mac"], made.Select(p => p.Key));
        var first = made["mac"].Deserialize<byte[]>()!;
        Assert.Equal((id, 1, length), ((string)made["key_id"]!, (int)made["key_version"]!, first.Length));
        Assert.Equal(first, await Mac(id, _message));

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        var second = await Mac(id, _message);
        Assert.NotEqual(first, second);
        Assert.Equal($$"""{"key_id":"{{id}}","valid":true,"key_version":1}""", await Verified(id, new { message = _message, mac = first }));
        Assert.Equal($$"""{"key_id":"{{id}}","valid":true,"key_version":2}""", await Verified(id, new { message = _message, mac = second }));
        Assert.Equal($$"""{"key_id":"{{id}}","valid":true,"key_version":1}""", await Verified(id, new { message = _message, mac = first, key_version = 1 }));
        Assert.Equal($$"""{"key_id":"{{id}}","valid":false}""", await Verified(id, new { message = _message, mac = first, key_version = 2 }));
        Assert.Equal($$"""{"key_id":"{{id}}","valid":false}""", await Verified(id, new { message = new byte[1], mac = second }));

        var uses = (await api.Get("/v1/keys/" + id)).Json["uses"]!;
        Assert.Equal((3, 5, 0, 0), ((int)uses["mac"]!, (int)uses["verify"]!, (int)uses["encrypt"]!, (int)uses["sign"]!));
    }

    [Fact]
    public async Task Verify_ByVersionsThatMayNotAnyMore_IsRefusedOrNotValid()
    {
        var id = await api.NewKey(new { spec = "HMAC_256" });
        var first = await Mac(id, _message);
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK);
        Assert.Equal($$"""{"key_id":"{{id}}","valid":false}""", await Verified(id, new { message = _message, mac = first }));
        (await Verify(id, new { message = _message, mac = first, key_version = 1 })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/versions/1/enable")).Is(HttpStatusCode.OK);
        Assert.Equal($$"""{"key_id":"{{id}}","valid":true,"key_version":1}""", await Verified(id, new { message = _message, mac = first }));
        (await api.Patch("/v1/keys/" + id, """{"min_decrypt_version":2}""")).Is(HttpStatusCode.OK);
        Assert.Equal($$"""{"key_id":"{{id}}","valid":false}""", await Verified(id, new { message = _message, mac = first }));
        (await Verify(id, new { message = _message, mac = first, key_version = 1 })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await Verify(id, new { message = _message, mac = first, key_version = 3 })).Is(HttpStatusCode.NotFound, "not_found");
        (await api.Post($"/v1/keys/{id}/versions/2/disable")).Is(HttpStatusCode.OK);
        (await Verify(id, new { message = _message, mac = first })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/mac", new { message = _message })).Is(HttpStatusCode.Conflict, "version_not_usable");
    }

    // More than are tried in one turn, at first with all but the newest still to be opened.
    [Fact]
    public async Task Verify_ByTheOldestOfManyVersions_FindsIt()
    {
        var id = await api.NewKey(new { spec = "HMAC_256" });
        var first = await Mac(id, _message);
        for (var i = 0; i < 20; i++) (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        for (var again = 0; again < 2; again++)
        {
            Assert.Equal($$"""{"key_id":"{{id}}","valid":true,"key_version":1}""", await Verified(id, new { message = _message, mac = first }));
            Assert.Equal($$"""{"key_id":"{{id}}","valid":false}""", await Verified(id, new { message = _message, mac = new byte[32] }));
        }
    }

    [Theory]
    [InlineData("HMAC_224", 28)]
    [InlineData("HMAC_256", 32)]
    [InlineData("HMAC_384", 48)]
    [InlineData("HMAC_512", 64)]
    public async Task Verify_AnyByteFlipped_IsNotValid_AndAnyOtherLength_IsRefused(string spec, int length)
    {
        var id = await api.NewKey(new { spec });
        var mac = await Mac(id, _message);
        var items = Enumerable.Range(0, length).Select(i =>
        {
            var changed = mac.ToArray();
            changed[i] ^= (byte)(1 << (i % 8));
            return new { message = _message, mac = changed };
        });
        var results = (await Verify(id, new { items })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.All(results, r => Assert.False((bool)r!["valid"]!));
        Assert.Equal(length, results.Count);
        foreach (var wrong in new[] { [], mac[..1], mac[..^1], mac[..16], [.. mac, 0], new byte[length + 4], new byte[65], new byte[4096] })
        {
            (await Verify(id, new { message = _message, mac = wrong })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        var other = await api.NewKey(new { spec });
        Assert.Equal($$"""{"key_id":"{{other}}","valid":false}""", await Verified(other, new { message = _message, mac }));
    }

    [Theory]
    [InlineData("mac", """{}""", "invalid_request")]
    [InlineData("mac", """{"message":null}""", "invalid_request")]
    [InlineData("mac", """{"message":"A"}""", "invalid_request")]
    [InlineData("mac", """{"message":1}""", "invalid_request")]
    [InlineData("mac", """{"message":"AQ==","algorithm":"HMAC_256"}""", "invalid_request")]
    [InlineData("mac", """{"message":"AQ==","associated_data":"AQ=="}""", "invalid_request")]
    [InlineData("mac", """{"items":[]}""", "invalid_request")]
    [InlineData("mac", """{"items":[null]}""", "invalid_request")]
    [InlineData("mac", """{"items":[{}]}""", "invalid_request")]
    [InlineData("mac", """{"items":[{"message":"AQ=="}],"message":"AQ=="}""", "invalid_request")]
    [InlineData("mac/verify", """{"message":"AQ=="}""", "invalid_request")]
    [InlineData("mac/verify", """{"mac":"AQ=="}""", "invalid_request")]
    [InlineData("mac/verify", """{"message":"AQ==","mac":"AQ==","key_version":"1"}""", "invalid_request")]
    [InlineData("mac/verify", """{"message":"AQ==","mac":"AQ==","key_version":0}""", "invalid_parameter")]
    [InlineData("mac/verify", """{"message":"AQ==","mac":"AQ==","key_version":-1}""", "invalid_parameter")]
    [InlineData("mac/verify", """{"message":"AQ==","mac":"AQ==","key_version":99999999999}""", "invalid_request")]
    [InlineData("mac/verify", """{"items":[{"message":"AQ=="}]}""", "invalid_request")]
    [InlineData("mac/verify", """{"items":[{"message":"AQ==","mac":"AQ=="}],"key_version":1}""", "invalid_request")]
    public async Task BadFields_AreRefused(string action, string body, string code)
    {
        var id = await api.NewKey(new { spec = "HMAC_256" });
        (await api.PostText($"/v1/keys/{id}/{action}", body)).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task Sizes_BeyondTheLimits_AreRefused()
    {
        var id = await api.NewKey(new { spec = "HMAC_256" });
        Assert.True((bool)JsonNode.Parse(await Verified(id, new { message = "", mac = await Mac(id, []) }))!["valid"]!);
        var largest = new byte[65536];
        Assert.True((bool)JsonNode.Parse(await Verified(id, new { message = largest, mac = await Mac(id, largest) }))!["valid"]!);
        (await api.Post($"/v1/keys/{id}/mac", new { message = new byte[65537] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await Verify(id, new { message = new byte[65537], mac = new byte[32] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task Items_AndBatches_AnswerEachInItsPlace()
    {
        var (id, aes) = (await api.NewKey(new { spec = "HMAC_512" }), await api.NewKey());
        var made = (await api.Post($"/v1/keys/{id}/mac", new
        {
            items = new object[] { new { message = "AQ==", reference = "a" }, new { message = new byte[65537], reference = "b" } },
        })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal(("a", 1), ((string)made[0]!["reference"]!, (int)made[0]!["key_version"]!));
        Assert.Equal("payload_too_large", (string)made[1]!["error"]!["code"]!);
        var mac = (string)made[0]!["mac"]!;
        var verified = (await Verify(id, new
        {
            items = new object[]
            {
                new { message = "AQ==", mac, reference = "a" },
                new { message = "Ag==", mac },
                new { message = "AQ==", mac = "AQ==" },
                new { message = "AQ==", mac, key_version = 7 },
            },
        })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal(("a", true, 1), ((string)verified[0]!["reference"]!, (bool)verified[0]!["valid"]!, (int)verified[0]!["key_version"]!));
        Assert.False((bool)verified[1]!["valid"]!);
        Assert.Equal(["invalid_parameter", "not_found"], verified.AsArray().Skip(2).Select(r => (string)r!["error"]!["code"]!));

        var batch = (await api.Post("/v1/batch", new
        {
            operations = new object[]
            {
                new { op = "mac", key_id = id, message = "AQ==", reference = "m" },
                new { op = "verify-mac", key_id = id, message = "AQ==", mac },
                new { op = "mac", key_id = aes, message = "AQ==" },
                new { op = "encrypt", key_id = id, plaintext = "AQ==" },
                new { op = "verify-mac", key_id = Api.NewId(), message = "AQ==", mac },
            },
        })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal(("m", mac), ((string)batch[0]!["reference"]!, (string)batch[0]!["mac"]!));
        Assert.True((bool)batch[1]!["valid"]!);
        Assert.Equal(["wrong_key_usage", "wrong_key_usage", "key_not_found"], batch.AsArray().Skip(2).Select(r => (string)r!["error"]!["code"]!));
    }

    [Fact]
    public async Task KeysOfAnotherUsage_AreRefused()
    {
        var (mac, aes) = (await api.NewKey(new { spec = "HMAC_256" }), await api.NewKey());
        (await api.Post($"/v1/keys/{aes}/mac", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await Verify(aes, new { message = "AQ==", mac = new byte[32] })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{mac}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{mac}/datakey")).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{mac}/sign", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post("/v1/keys", new { spec = "HMAC_256", usage = "encrypt_decrypt" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { spec = "HMAC_128" })).Is(HttpStatusCode.BadRequest, "unsupported_algorithm");
    }

    private Task<Answer> Verify(string id, object body) => api.Post($"/v1/keys/{id}/mac/verify", body);

    private async Task<string> Verified(string id, object body) => (await Verify(id, body)).Is(HttpStatusCode.OK).Json.ToJsonString();

    private async Task<byte[]> Mac(string id, byte[] message) =>
        (await api.Post($"/v1/keys/{id}/mac", new { message })).Is(HttpStatusCode.OK).Json["mac"].Deserialize<byte[]>()!;
}
