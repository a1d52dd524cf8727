using System.Net;
using System.Text;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class BadInputTests(DefaultApi api)
{
    /// <summary>Every route that takes a body, or could; {id} is a key that exists.</summary>
    public static TheoryData<string, string> RoutesWithABody
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var route in Routes.All.Where(route => route.Method is "POST" or "PUT" or "PATCH")) rows.Add(route.Method, route.Pattern);
            return rows;
        }
    }

    private static IEnumerable<byte[]> BadBodies()
    {
        string[] texts =
        [
            " ", "null", "[]", "0", "true", "\"x\"", "{", "}", "{}{}", "{} x", "{},", "[{}]", "{\"\":1}", "{\"a\":1}", "{a:1}", "{'a':1}",
            "{\"plaintext\":", "{\"plaintext\":\"AQ==\",}", "// x\n{}", "/**/{}", "\u00fe\u00ff{}", "NaN", "{\"__proto__\":{}}", "{\"$type\":\"x\"}", "{\"$id\":\"1\"}",
            "{\"\\u0000\":1}", "{\"a\":\"\\ud800\"}", new string('[', 1000), new string('[', 1000) + new string(']', 1000),
            Nested("plaintext", 1000), Nested("rotation", 1000), Nested("items", 20), "{\"a\":" + new string('9', 5000) + "}",
        ];
        return texts.Select(Encoding.UTF8.GetBytes).Append([0xff, 0xfe, 0x7b]).Append([0]).Append([0xef, 0xbb, 0xbf, 0x7b, 0x7d])
            .Append([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]);
    }

    private async Task<string> PathOf(string route) => route.Replace("{id}", await api.NewKey(), StringComparison.Ordinal)
        .Replace("{n}", "1", StringComparison.Ordinal).Replace("{name}", "x", StringComparison.Ordinal).Replace("{prefix}", "x", StringComparison.Ordinal);

    private static string Nested(string name, int depth) =>
        string.Concat(Enumerable.Repeat($"{{\"{name}\":", depth)) + "1" + new string('}', depth);

    [Theory]
    [MemberData(nameof(RoutesWithABody))]
    public async Task EveryRoute_BodyThatIsNotItsOwn_IsInvalidRequest(string method, string route)
    {
        var path = await PathOf(route);
        foreach (var body in BadBodies())
        {
            (await api.Body(new HttpMethod(method), path, body)).Is(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Theory]
    [MemberData(nameof(RoutesWithABody))]
    public async Task EveryRoute_WrongContentType_IsUnsupportedMediaType(string method, string route)
    {
        var path = await PathOf(route);
        foreach (var type in new[] { "text/plain", "application/xml", "application/json5", "application/json; charset=utf-16", "multipart/form-data; boundary=x", null })
        {
            (await api.Body(new HttpMethod(method), path, "{}"u8.ToArray(), type)).Is(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Theory]
    [MemberData(nameof(RoutesWithABody))]
    public async Task EveryRoute_HugeBody_IsPayloadTooLarge(string method, string route)
    {
        var path = await PathOf(route);
        var body = new byte[10 << 20];
        body.AsSpan().Fill((byte)' ');
        (await api.Body(new HttpMethod(method), path, body)).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData("AQ")]
    [InlineData("AQ=")]
    [InlineData("AQ===")]
    [InlineData("=AQ=")]
    [InlineData("A=Q=")]
    [InlineData("AQ==AQ==")]
    [InlineData("AR==")]
    [InlineData("AQF=")]
    [InlineData("AQ == ")]
    [InlineData(" AQ==")]
    [InlineData("AQ==    ")]
    [InlineData("AQID\\r\\n\\r\\n")]
    [InlineData("A\\tQ=\\n=")]
    [InlineData("-_-_")]
    [InlineData("AQI\\u0000")]
    [InlineData("AQI\\u00e9")]
    [InlineData("====")]
    [InlineData("!!!!")]
    public async Task Base64_NotStrict_IsInvalidRequest(string text)
    {
        var id = await api.NewKey();
        (await api.PostText($"/v1/keys/{id}/encrypt", $$"""{"plaintext":"{{text}}"}""")).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.PostText($"/v1/keys/{id}/encrypt", $$"""{"plaintext":"AQ==","associated_data":"{{text}}"}""")).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.PostText("/v1/decrypt", $$"""{"ciphertext":"{{text}}"}""")).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Theory]
    [InlineData("""{"plaintext":"AQ==","plaintext":"AQ=="}""")]
    [InlineData("""{"plaintext":"AQ==","plainte\u0078t":"AQ=="}""")]
    [InlineData("""{"plaintext":"AQ==","Plaintext":"AQ=="}""")]
    [InlineData("""{"plaintext":"AQ==","aad":"AQ=="}""")]
    [InlineData("""{"plaintext":[1]}""")]
    [InlineData("""{"plaintext":1}""")]
    [InlineData("""{"plaintext":null}""")]
    [InlineData("""{"associated_data":"AQ=="}""")]
    [InlineData("""{}""")]
    public async Task Fields_DuplicateUnknownMissingOrOfWrongType_AreInvalidRequest(string body)
    {
        var id = await api.NewKey();
        (await api.PostText($"/v1/keys/{id}/encrypt", body)).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Problem_NamesTheFieldButNotTheParser()
    {
        var id = await api.NewKey();
        var answer = await api.PostText($"/v1/keys/{id}/encrypt", """{"plaintxt":"AQ=="}""");
        Assert.Contains("plaintxt", (string)answer.Json["detail"]!, StringComparison.Ordinal);
    }

    public static TheoryData<string, int, string> HostileIds => new()
    {
        { "a%2Fb", 400, "invalid_key_id" }, { "%2e%2e", 404, "not_found" }, { "..%2f..%2fetc%2fpasswd", 400, "invalid_key_id" },
        { "a%20b", 400, "invalid_key_id" }, { "caf%C3%A9", 400, "invalid_key_id" }, { "%E4%B8%AD", 400, "invalid_key_id" },
        { "%ff", 400, "invalid_key_id" }, { "a%25b", 400, "invalid_key_id" }, { "a%5Cb", 400, "invalid_key_id" },
        { ".a", 400, "invalid_key_id" }, { "a.", 400, "invalid_key_id" }, { "-a", 400, "invalid_key_id" }, { "a-", 400, "invalid_key_id" },
        { "a;b", 400, "invalid_key_id" }, { "a%0Ab", 400, "invalid_key_id" }, { "a%0D%0AX:%20y", 400, "invalid_key_id" }, { "a%27%20OR%201=1", 400, "invalid_key_id" },
        { "a+b", 400, "invalid_key_id" }, { "%EF%BC%A1", 400, "invalid_key_id" }, { "=42", 400, "invalid_key_id" },
        { new string('a', 129), 400, "invalid_key_id" }, { new string('a', 4000), 400, "invalid_key_id" },
    };

    [Theory]
    [MemberData(nameof(HostileIds))]
    public async Task Ids_Hostile_AreRefusedBeforeAnyKey(string id, int status, string code)
    {
        using var raw = await RawHttp.Connect(api.Port);
        await raw.Send($"GET /v1/keys/{id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nConnection: close\r\n\r\n");
        var answer = await raw.ReadToEnd();
        // A path that dot segments lead out of is another path.
        Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal) || id == "%2e%2e", answer);
        Assert.True(answer.Contains($"\"code\":\"{code}\"", StringComparison.Ordinal) || id == "%2e%2e", answer);
        Assert.DoesNotContain("HTTP/1.1 5", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ids_OfIntegersAndHexadecimal_AreDifferentKeys()
    {
        string[] ids = ["42", "042", "CAFE", "cafe", "0123456789abcdef0123456789abcdef", "4294967296", "1e3"];
        foreach (var id in ids)
        {
            (await api.Post("/v1/keys", new { id, description = id })).Is(HttpStatusCode.Created);
        }

        foreach (var id in ids)
        {
            Assert.Equal(id, (string)(await api.Get("/v1/keys/" + id)).Json["description"]!);
        }
    }

    [Fact]
    public async Task Path_WithANul_IsRefused()
    {
        using var raw = await RawHttp.Connect(api.Port);
        await raw.Send($"GET /v1/keys/a%00b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", await raw.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunks_BeyondTheLimit_ArePayloadTooLarge()
    {
        using var raw = await RawHttp.Connect(api.Port);
        await raw.Send($"POST /encrypt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
        var answer = raw.ReadUntil("payload_too_large");
        var chunk = Encoding.ASCII.GetBytes("10000\r\n" + new string(' ', 0x10000) + "\r\n");
        try
        {
            for (var sent = 0; sent < 32 && !answer.IsCompleted; sent++)
            {
                await raw.Send(chunk);
            }
        }
        catch (IOException)
        {
            // The service has stopped listening, which is the point.
        }

        Assert.Contains("payload_too_large", await answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunks_ThatMakeAGoodBody_AreTaken()
    {
        var id = await api.NewKey();
        using var raw = await RawHttp.Connect(api.Port);
        await raw.Send($"POST /encrypt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
        foreach (var part in $$"""{"key_id":"{{id}}","plaintext":"AQ=="}""".Chunk(7))
        {
            await raw.Send($"{part.Length:x}\r\n{new string(part)}\r\n");
        }

        await raw.Send("0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await raw.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunks_Malformed_AreRefused()
    {
        using var raw = await RawHttp.Connect(api.Port);
        await raw.Send($"POST /encrypt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nxyz\r\n");
        Assert.Contains("invalid_request", await raw.ReadToEnd(), StringComparison.Ordinal);
    }
}
