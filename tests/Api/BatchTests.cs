using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class BatchTests(DefaultApi api)
{
    [Fact]
    public async Task Items_AnswerInOrder_EachByItself()
    {
        var id = await api.NewKey();
        var items = new object[]
        {
            new { plaintext = "AQ==", reference = "first" },
            new { plaintext = "", reference = "empty" },
            new { plaintext = new byte[65537], reference = "large" },
            new { plaintext = "Ag==", associated_data = "CQ==" },
            new { plaintext = "Aw==", associated_data = new byte[8193] },
        };
        var results = (await api.Post($"/v1/keys/{id}/encrypt", new { items })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(["first", "empty", "large", null, null], results.Select(r => (string?)r!["reference"]));
        Assert.Equal(
            [null, "invalid_parameter", "payload_too_large", null, "payload_too_large"], results.Select(r => (string?)r!["error"]?["code"]));
        Assert.Equal(["reference", "key_id", "key_version", "ciphertext"], results[0]!.AsObject().Select(p => p.Key));
        Assert.Equal(["reference", "error"], results[1]!.AsObject().Select(p => p.Key));

        var ciphertexts = new object[]
        {
            new { ciphertext = (string)results[3]!["ciphertext"]!, associated_data = "CQ==", reference = "ok" },
            new { ciphertext = (string)results[3]!["ciphertext"]! },
            new { ciphertext = "" },
            new { ciphertext = "AAAA" },
            new { ciphertext = (string)results[0]!["ciphertext"]! },
        };
        var decrypted = (await api.Post($"/v1/keys/{id}/decrypt", new { items = ciphertexts })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(["Ag==", null, null, null, "AQ=="], decrypted.Select(r => (string?)r!["plaintext"]));
        Assert.Equal(
            [null, "invalid_ciphertext", "invalid_ciphertext", "invalid_ciphertext", null], decrypted.Select(r => (string?)r!["error"]?["code"]));
        Assert.Equal("data", (string)decrypted[0]!["kind"]!);

        await api.Post($"/v1/keys/{id}/rotate");
        var rewrapped = (await api.Post($"/v1/keys/{id}/rewrap", new { items = ciphertexts })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal([2, null, null, null, 2], rewrapped.Select(r => (int?)r!["key_version"]));
    }

    [Fact]
    public async Task BatchesAtOnce_SeeOnlyTheirOwnBytes_AlsoBesideClientsThatGo()
    {
        var id = await api.NewKey();
        await Task.WhenAll(Enumerable.Range(1, 16).Select(async number =>
        {
            // A plaintext of one byte value each, so that a byte of another batch would show.
            var plaintext = new byte[4001];
            plaintext.AsSpan().Fill((byte)number);
            var encrypt = new { items = Enumerable.Repeat(new { plaintext }, 60) };
            using var gone = new CancellationTokenSource();
            var going = api.Http.PostAsync($"/v1/keys/{id}/encrypt", JsonContent.Create(encrypt), gone.Token);
            var encrypted = (await api.Post($"/v1/keys/{id}/encrypt", encrypt)).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
            await gone.CancelAsync();
            await Record.ExceptionAsync(() => going);
            var decrypt = new { items = encrypted.Select(r => new { ciphertext = (string)r!["ciphertext"]! }) };
            var decrypted = (await api.Post($"/v1/keys/{id}/decrypt", decrypt)).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
            Assert.Equal(60, decrypted.Count);
            Assert.All(decrypted, r => Assert.Equal(plaintext, r!["plaintext"].Deserialize<byte[]>()));
        }));
    }

    [Fact]
    public async Task Items_AThousandAndFourMiB_AreTaken_MoreAreNot()
    {
        var id = await api.NewKey();
        var path = $"/v1/keys/{id}/encrypt";
        var item = new { plaintext = "AQ==" };
        Assert.Equal(1000, (await api.Post(path, new { items = Enumerable.Repeat(item, 1000) })).Is(HttpStatusCode.OK).Json["results"]!.AsArray().Count);
        (await api.Post(path, new { items = Enumerable.Repeat(item, 1001) })).Is(HttpStatusCode.BadRequest, "invalid_request");
        var large = new { plaintext = new byte[65536] };
        var encrypted = (await api.Post(path, new { items = Enumerable.Repeat(large, 64) })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(64, encrypted.Count);
        var ciphertexts = encrypted.Select(r => new { ciphertext = (string)r!["ciphertext"]! });
        foreach (var verb in (string[])["decrypt", "rewrap"])
        {
            var results = (await api.Post($"/v1/keys/{id}/{verb}", new { items = ciphertexts })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
            Assert.Equal(64, results.Count(r => r!["error"] is null));
        }

        var operations = encrypted.Select(r => new { op = "decrypt", key_id = id, ciphertext = (string)r!["ciphertext"]! });
        var batch = (await api.Post("/v1/batch", new { operations })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(64, batch.Count(r => r!["error"] is null));
        (await api.Post(path, new { items = Enumerable.Repeat(large, 65) })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Post(path, new { items = Enumerable.Repeat(large, 200) })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData("""{"items":[]}""", "invalid_request")]
    [InlineData("""{"items":[null]}""", "invalid_request")]
    [InlineData("""{"items":[{}]}""", "invalid_request")]
    [InlineData("""{"items":{}}""", "invalid_request")]
    [InlineData("""{"items":[{"plaintext":"AQ=="}],"plaintext":"AQ=="}""", "invalid_request")]
    [InlineData("""{"items":[{"plaintext":"AQ=="}],"associated_data":"AQ=="}""", "invalid_request")]
    [InlineData("""{"items":[{"plaintext":"AQ==","referense":"x"}]}""", "invalid_request")]
    public async Task Items_BadForm_IsRefused(string body, string code)
    {
        var id = await api.NewKey();
        (await api.PostText($"/v1/keys/{id}/encrypt", body)).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task Items_ReferenceTooLong_IsInvalidParameter()
    {
        var id = await api.NewKey();
        var items = new[] { new { plaintext = "AQ==", reference = new string('r', 257) } };
        (await api.Post($"/v1/keys/{id}/encrypt", new { items })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Fact]
    public async Task Items_WholeKeyFails_IsTheKeysError()
    {
        (await api.Post($"/v1/keys/{Api.NewId()}/encrypt", new { items = new[] { new { plaintext = "AQ==" } } }))
            .Is(HttpStatusCode.NotFound, "key_not_found");
    }

    [Fact]
    public async Task Batch_ManyKeysAndOperations_AnswerInOrder()
    {
        var (one, two) = (await api.NewKey(), await api.NewKey());
        var ciphertext = Convert.ToBase64String(await api.Encrypt(one, [5]));
        var operations = new object[]
        {
            new { op = "encrypt", key_id = one, plaintext = "AQ==", reference = "0" },
            new { op = "encrypt", key_id = two, plaintext = "Ag==", associated_data = "AQ==" },
            new { op = "decrypt", key_id = one, ciphertext },
            new { op = "decrypt", ciphertext },
            new { op = "rewrap", key_id = one, ciphertext },
            new { op = "reencrypt", ciphertext, destination_key_id = two },
            new { op = "datakey", key_id = two, bytes = 16 },
            new { key_id = two, op = "datakey", plaintext = false },
            new { op = "encrypt", key_id = Api.NewId(), plaintext = "AQ==" },
            new { op = "encrypt", key_id = "a/b", plaintext = "AQ==" },
            new { op = "encrypt", key_id = "alias:" + Api.NewId(), plaintext = "AQ==" },
            new { op = "encrypt", key_id = one, plaintext = "" },
            new { op = "decrypt", key_id = two, ciphertext, reference = "wrong key" },
            new { op = "datakey", key_id = two, bytes = 1025 },
        };
        var results = (await api.Post("/v1/batch", new { operations })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(
            [null, null, null, null, null, null, null, null, "key_not_found", "invalid_key_id", "alias_not_found", "invalid_parameter",
             "invalid_ciphertext", "invalid_parameter"],
            results.Select(r => (string?)r!["error"]?["code"]));
        Assert.Equal([one, two, one, one, one, two, two, two], results.Take(8).Select(r => (string)r!["key_id"]!));
        Assert.Equal("BQ==", (string)results[3]!["plaintext"]!);
        Assert.Equal(16, results[6]!["plaintext"].Deserialize<byte[]>()!.Length);
        Assert.Null(results[7]!["plaintext"]);
        Assert.Equal("0", (string)results[0]!["reference"]!);
        Assert.Equal("wrong key", (string)results[12]!["reference"]!);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"operations":null}""")]
    [InlineData("""{"operations":[]}""")]
    [InlineData("""{"operations":[null]}""")]
    [InlineData("""{"operations":[{}]}""")]
    [InlineData("""{"operations":[{"op":"format","key_id":"k"}]}""")]
    [InlineData("""{"operations":[{"op":1,"key_id":"k"}]}""")]
    [InlineData("""{"operations":[{"op":"encrypt","op":"decrypt","key_id":"k","plaintext":"AQ=="}]}""")]
    [InlineData("""{"operations":[{"op":"encrypt","key_id":"k"}]}""")]
    [InlineData("""{"operations":[{"op":"encrypt","key_id":"k","plaintext":"AQ==","ciphertext":"AQ=="}]}""")]
    [InlineData("""{"operations":[{"key_id":"k","plaintext":"AQ=="}]}""")]
    public async Task Batch_BadForm_IsInvalidRequest(string body) =>
        (await api.PostText("/v1/batch", body)).Is(HttpStatusCode.BadRequest, "invalid_request");

    [Theory]
    [InlineData("", "key_not_found")]
    [InlineData("alias:", "alias_not_found")]
    public async Task Batch_ManyOperationsOnOneMissingName_AllHearThatItIsMissing(string prefix, string code)
    {
        var operations = Enumerable.Repeat(new { op = "encrypt", key_id = prefix + Api.NewId(), plaintext = "AQ==" }, 1000);
        var results = (await api.Post("/v1/batch", new { operations })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.All(results, r => Assert.Equal(code, (string)r!["error"]!["code"]!));
    }

    [Fact]
    public async Task Batch_AThousandOperations_AreTaken_MoreAreNot()
    {
        var id = await api.NewKey();
        var operation = new JsonObject { ["op"] = "encrypt", ["key_id"] = id, ["plaintext"] = "AQ==" };
        string Of(int count) => "{\"operations\":[" + string.Join(',', Enumerable.Repeat(operation.ToJsonString(), count)) + "]}";
        var results = (await api.PostText("/v1/batch", Of(1000))).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.All(results, r => Assert.NotNull(r!["ciphertext"]));
        (await api.PostText("/v1/batch", Of(1001))).Is(HttpStatusCode.BadRequest, "invalid_request");
    }
}
