using System.Net;
using System.Text;

namespace OrleansKms.Tests.Api;

/// <summary>Nothing that a request gives is silently ignored: what a route does not take, it refuses.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class IgnoredTests(DefaultApi api)
{
    private const string Octets = "application/octet-stream";

    private sealed record Address(HttpMethod Method, string Path, bool TakesOctets);

    [Fact]
    public async Task HeaderOfOurs_ThatARouteDoesNotTake_IsRefusedByName()
    {
        foreach (var address in await Addresses())
        {
            foreach (var header in new[] { "Okms-Associated-Data", "Okms-Asociated-Data", "okms-key-version", "X-Okms-Associated-Data", "Okms_Associated_Data" })
            {
                var answer = (await Send(address, (header, "AQID"))).Is(HttpStatusCode.BadRequest, "invalid_request");
                Assert.Contains(header, (string)answer.Json["detail"]!, StringComparison.OrdinalIgnoreCase);
            }
        }
    }

    [Fact]
    public async Task QueryParameter_ThatARouteDoesNotTake_IsRefused()
    {
        foreach (var address in await Addresses())
        {
            (await Send(address with { Path = address.Path + "?verbose=true" })).Is(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task ConditionOrEncoding_OfAChange_IsRefused()
    {
        foreach (var address in (await Addresses()).Where(a => a.Method != HttpMethod.Get))
        {
            foreach (var header in new[] { "If-Match", "If-None-Match", "If-Unmodified-Since", "Content-Range" })
            {
                (await Send(address, (header, "*"))).Is(HttpStatusCode.BadRequest, "invalid_request");
            }

            (await Send(address, ("Content-Encoding", "gzip"))).Is(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Fact]
    public async Task Body_WhereNoneIsRead_IsRefused()
    {
        foreach (var address in (await Addresses()).Where(a => a.Method == HttpMethod.Get || a.Method == HttpMethod.Delete))
        {
            (await api.Body(address.Method, address.Path, "{\"limit\":1}"u8.ToArray())).Is(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task HeaderOfOurs_OfARequestOfBytes_IsTakenOnceAndNoOther()
    {
        var id = await api.NewKey();
        foreach (var path in new[] { $"/v1/keys/{id}/encrypt", $"/v1/keys/{id}/decrypt", "/v1/decrypt" })
        {
            await Refused(("Okms-Key-Version", "1"));
            await Refused(("Okms-Associated-Data", "AQID"), ("Okms-Key-Id", id));

            async Task Refused(params (string, string)[] headers) =>
                (await api.Body(HttpMethod.Post, path, [1], Octets, headers)).Is(HttpStatusCode.BadRequest, "invalid_request");

            using var raw = await RawHttp.Connect(api.Port);
            await raw.Send(
                $"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nContent-Type: {Octets}\r\nContent-Length: 1\r\n"
                + "Okms-Associated-Data: AQID\r\nOkms-Associated-Data: AQID\r\nConnection: close\r\n\r\nx");
            Assert.StartsWith("HTTP/1.1 400 ", await raw.ReadToEnd(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("application/octet-stream", "x")]
    [InlineData("application/json", """{"plaintext":"AQ=="}""")]
    public async Task HeaderOfOurs_BehindTheBody_IsRefused(string type, string body)
    {
        var id = await api.NewKey();
        foreach (var together in new[] { true, false })
        {
            using var raw = await RawHttp.Connect(api.Port);
            var head = $"POST /v1/keys/{id}/encrypt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nContent-Type: {type}\r\n"
                + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
            var rest = $"{body.Length:x}\r\n{body}\r\n0\r\nOkms-Associated-Data: AQID\r\n\r\n";
            if (together)
            {
                await raw.Send(head + rest);
            }
            else
            {
                await raw.Send(head);
                await raw.Send(rest);
            }

            var answer = await raw.ReadToEnd();
            Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
            Assert.Contains("Okms-Associated-Data", answer, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("?describe")]
    [InlineData("?describe=")]
    [InlineData("?destroyed=")]
    [InlineData("?limit=")]
    public async Task QueryParameter_WithoutAValue_IsInvalidParameter(string query) =>
        (await api.Get("/v1/keys" + query)).Is(HttpStatusCode.BadRequest, "invalid_parameter");

    [Theory]
    [InlineData("/v1/keys/{id}/encrypt", """{"plaintext":"AQ==","items":[{"plaintext":"AQ=="}]}""")]
    [InlineData("/v1/keys/{id}/encrypt", """{"associated_data":"AQ==","items":[{"plaintext":"AQ=="}]}""")]
    [InlineData("/v1/keys/{id}/encrypt", """{"items":[{"plaintext":"AQ==","key_version":1}]}""")]
    [InlineData("/v1/keys/{id}/encrypt", """{"items":[{"plaintext":"AQ==","associated_data":"AQ==","associated_data":"Ag=="}]}""")]
    [InlineData("/v1/keys/{id}/encrypt", """{"items":[{"plaintext":"AQ=="}],"reference":"x"}""")]
    [InlineData("/v1/keys/{id}/encrypt", """{"plaintext":"AQ==","reference":"x"}""")]
    [InlineData("/v1/keys/{id}/decrypt", """{"ciphertext":"AQ==","items":[{"ciphertext":"AQ=="}]}""")]
    [InlineData("/v1/keys/{id}/decrypt", """{"associated_data":"AQ==","items":[{"ciphertext":"AQ=="}]}""")]
    [InlineData("/v1/keys/{id}/rewrap", """{"associated_data":"AQ==","items":[{"ciphertext":"AQ=="}]}""")]
    [InlineData("/v1/keys/{id}/datakey", """{"items":[{"bytes":32}]}""")]
    [InlineData("/v1/batch", """{"operations":[{"op":"encrypt","key_id":"{id}","plaintext":"AQ==","bytes":1}]}""")]
    [InlineData("/v1/batch", """{"operations":[{"op":"encrypt","key_id":"{id}","plaintext":"AQ==","$type":"decrypt"}]}""")]
    [InlineData("/v1/batch", """{"operations":[{"op":"encrypt","key_id":"{id}","plaintext":"AQ=="}],"key_id":"{id}"}""")]
    [InlineData("/v1/batch", """{"operations":[{"key_id":"{id}","op":"encrypt","plaintext":"AQ==","op":"encrypt"}]}""")]
    [InlineData("/v1/batch", """{"operations":[{"op":"encrypt","key_id":"{id}","plaintext":"AQ=="}]}{}""")]
    [InlineData("/v1/keys", """{"rotation":{"every":"P1D","every":"P2D"}}""")]
    [InlineData("/v1/keys", """{"tags":{"team":"a","team":"b"}}""")]
    [InlineData("/v1/keys", """{"rotation":{"every":"P1D","on":"monday"}}""")]
    [InlineData("/v1/keys/{id}/enable", """{"after":"P1D"}""")]
    [InlineData("/v1/keys/{id}/versions/1/destroy", """{"before":"P1D"}""")]
    [InlineData("/v1/keys/{id}/versions/1/cancel-destroy", """{"after":"P1D"}""")]
    [InlineData("/v1/keys/{id}/cancel-deletion", """{"after":"P1D"}""")]
    public async Task Field_ThatWouldHaveNoEffect_IsInvalidRequest(string path, string body)
    {
        var id = await api.NewKey();
        (await api.PostText(path.Replace("{id}", id, StringComparison.Ordinal), body.Replace("{id}", id, StringComparison.Ordinal)))
            .Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Duration_OfAFractionThatWouldBeLost_IsInvalidParameter()
    {
        (await api.Post("/v1/keys", new { rotation = new { every = "PT60.00000001S" } })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { rotation = new { every = "PT60.0000001S" } })).Is(HttpStatusCode.Created);
    }

    [Fact]
    public async Task InvalidKeyId_SaysWhatAnIdMayBe()
    {
        foreach (var answer in new[] { await api.Get("/v1/keys/a%20b"), await api.Post("/v1/keys", new { id = "-" }), await api.Post("/encrypt", new { key_id = "", plaintext = "AQ==" }) })
        {
            answer.Is(HttpStatusCode.BadRequest, "invalid_key_id");
            Assert.Contains("1 to 128 of A-Z a-z 0-9 . _ -, beginning and ending with a letter, a digit or _", (string)answer.Json["detail"]!, StringComparison.Ordinal);
        }
    }

    /// <summary>Every route of the OpenAPI document.</summary>
    private async Task<List<Address>> Addresses()
    {
        var paths = (await api.Get("/openapi/v1.json")).Json["paths"]!.AsObject();
        var addresses = paths.SelectMany(p => p.Value!.AsObject().Select(o => new Address(
            new HttpMethod(o.Key.ToUpperInvariant()),
            p.Key.Replace("{n}", "1", StringComparison.Ordinal).Replace("{id}", "k", StringComparison.Ordinal).Replace("{name}", "k", StringComparison.Ordinal),
            o.Value!["requestBody"]?["content"]?[Octets] is not null))).ToList();
        Assert.True(addresses.Count >= 30 && addresses.Count(a => a.TakesOctets) == 3, $"The document has {addresses.Count} operations.");
        return addresses;
    }

    private Task<Answer> Send(Address address, params (string, string)[] headers)
    {
        var request = new HttpRequestMessage(address.Method, address.Path);
        if (address.Method != HttpMethod.Get && address.Method != HttpMethod.Delete)
        {
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        }

        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                (request.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, value);
            }
        }

        return api.Send(request);
    }
}
