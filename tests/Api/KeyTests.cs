using System.Net;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class KeyTests(DefaultApi api)
{
    [Fact]
    public async Task Create_NothingGiven_TakesDefaultsAndAnId()
    {
        var answer = (await api.Post("/v1/keys")).Is(HttpStatusCode.Created);
        var key = answer.Json.AsObject();
        Assert.Equal(
            ["id", "spec", "usage", "state", "protection", "origin", "exportable", "description", "tags", "created_at",
             "primary_version", "min_decrypt_version", "versions", "rotation", "uses", "deletion_at"],
            key.Select(p => p.Key));
        Assert.True(Guid.TryParse((string)key["id"]!, out _));
        Assert.Equal("/v1/keys/" + (string)key["id"]!, answer.Header("Location"));
        Assert.Equal("AES_256_GCM", (string)key["spec"]!);
        Assert.Equal("encrypt_decrypt", (string)key["usage"]!);
        Assert.Equal("enabled", (string)key["state"]!);
        Assert.Equal("software", (string)key["protection"]!);
        Assert.Equal("generated", (string)key["origin"]!);
        Assert.False((bool)key["exportable"]!);
        Assert.Equal(1, (int)key["primary_version"]!);
        Assert.EndsWith("Z", (string)key["created_at"]!, StringComparison.Ordinal);
        Assert.Null(key["rotation"]);
        Assert.Equal(["encrypt", "decrypt", "sign", "verify", "mac", "derive", "encapsulate", "decapsulate", "bytes", "last_used_at"], key["uses"]!.AsObject().Select(p => p.Key));
        Assert.Equal(["version", "state", "created_at", "uses"], key["versions"]![0]!.AsObject().Select(p => p.Key));
    }

    [Theory]
    [InlineData("AES_256_GCM")]
    [InlineData("AES_128_GCM")]
    [InlineData("XAES_256_GCM")]
    [InlineData("CHACHA20_POLY1305")]
    [InlineData("AES_256_GCM_SIV")]
    [InlineData("XCHACHA20_POLY1305")]
    public async Task Create_EverySpec_EncryptsAndDecrypts(string spec)
    {
        var id = await api.NewKey(new { spec });
        var ciphertext = await api.Encrypt(id, [1, 2, 3]);
        var answer = (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
        Assert.Equal("AQID", (string)answer.Json["plaintext"]!);
    }

    [Fact]
    public async Task Create_EverythingGiven_IsDescribedSo()
    {
        var id = Api.NewId();
        await api.Post("/v1/keys", new
        {
            id,
            spec = "AES_128_GCM",
            usage = "encrypt_decrypt",
            description = "for \u00e9\u4e2d \"quotes\"",
            tags = new { team = "payments", empty = "" },
            rotation = new { every = "P90D", after_uses = 1000 },
            exportable = true,
            protection = "software",
            origin = "generated",
        });
        var key = (await api.Get("/v1/keys/" + id)).Is(HttpStatusCode.OK).Json;
        Assert.Equal("for \u00e9\u4e2d \"quotes\"", (string)key["description"]!);
        Assert.Equal("payments", (string)key["tags"]!["team"]!);
        Assert.Equal("P90D", (string)key["rotation"]!["every"]!);
        Assert.Equal(1000, (int)key["rotation"]!["after_uses"]!);
        Assert.Equal(
            DateTimeOffset.Parse((string)key["created_at"]!, null) + TimeSpan.FromDays(90),
            DateTimeOffset.Parse((string)key["rotation"]!["next_at"]!, null));
        Assert.True((bool)key["exportable"]!);
    }

    [Fact]
    public async Task Create_IdTaken_IsKeyExists()
    {
        var id = await api.NewKey();
        (await api.Post("/v1/keys", new { id })).Is(HttpStatusCode.Conflict, "key_exists");
    }

    [Theory]
    [InlineData("""{"spec":"AES_512_GCM"}""", "unsupported_algorithm")]
    [InlineData("""{"usage":"everything"}""", "invalid_parameter")]
    [InlineData("""{"usage":"Encrypt_Decrypt"}""", "invalid_parameter")]
    [InlineData("""{"usage":"mac"}""", "invalid_parameter")]
    [InlineData("""{"protection":"paper"}""", "invalid_parameter")]
    [InlineData("""{"protection":"hsm"}""", "invalid_parameter")]
    [InlineData("""{"origin":"elsewhere"}""", "invalid_parameter")]
    [InlineData("""{"rotation":{}}""", "invalid_parameter")]
    [InlineData("""{"rotation":{"every":"P1Y"}}""", "invalid_parameter")]
    [InlineData("""{"rotation":{"every":"P1M"}}""", "invalid_parameter")]
    [InlineData("""{"rotation":{"every":"90 days"}}""", "invalid_parameter")]
    [InlineData("""{"rotation":{"every":"PT0S"}}""", "invalid_parameter")]
    [InlineData("""{"rotation":{"after_uses":0}}""", "invalid_parameter")]
    [InlineData("""{"rotation":{"after_uses":4294967296}}""", "invalid_parameter")]
    [InlineData("""{"rotation":{"next_at":null}}""", "invalid_request")]
    [InlineData("""{"tags":{"a":null}}""", "invalid_request")]
    [InlineData("""{"tags":{"a":1}}""", "invalid_request")]
    [InlineData("""{"tags":{"":"x"}}""", "invalid_parameter")]
    [InlineData("""{"tags":{"a":"1","a":"2"}}""", "invalid_request")]
    [InlineData("""{"exportable":"yes"}""", "invalid_request")]
    [InlineData("""{"exportabel":true}""", "invalid_request")]
    [InlineData("""{"Spec":"AES_256_GCM"}""", "invalid_request")]
    [InlineData("""{"id":5}""", "invalid_request")]
    [InlineData("""{"id":""}""", "invalid_key_id")]
    [InlineData("""{"id":"a/b"}""", "invalid_key_id")]
    [InlineData("""{"id":".."}""", "invalid_key_id")]
    [InlineData("""{"id":"a\u0000b"}""", "invalid_key_id")]
    [InlineData("""{"id":"caf\u00e9"}""", "invalid_key_id")]
    [InlineData("""{"id":"alias:x"}""", "invalid_key_id")]
    public async Task Create_BadField_IsRefused(string body, string code) =>
        (await api.PostText("/v1/keys", body)).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Create_DescriptionTooLong_IsInvalidParameter() =>
        (await api.Post("/v1/keys", new { description = new string('x', 1025) })).Is(HttpStatusCode.BadRequest, "invalid_parameter");

    [Fact]
    public async Task Create_LongestIdAndMostTags_IsTaken()
    {
        var id = new string('x', 96) + Guid.NewGuid().ToString("N");
        var tags = Enumerable.Range(0, 50).ToDictionary(i => new string('\u4e2d', 126) + $"{i:00}", _ => new string('\u4e2d', 256));
        (await api.Post("/v1/keys", new { id, tags })).Is(HttpStatusCode.Created);
        (await api.Post("/v1/keys", new { id = id + "x" })).Is(HttpStatusCode.BadRequest, "invalid_key_id");
    }

    [Fact]
    public async Task Describe_NoSuchKey_IsKeyNotFound() =>
        (await api.Get("/v1/keys/" + Api.NewId())).Is(HttpStatusCode.NotFound, "key_not_found");

    [Fact]
    public async Task Update_FieldsLeftOutStay_NullClears()
    {
        var id = await api.NewKey(new { description = "old", tags = new { a = "1" }, rotation = new { every = "P1D" } });
        var key = (await api.Patch("/v1/keys/" + id, """{"description":"new"}""")).Is(HttpStatusCode.OK).Json;
        Assert.Equal("new", (string)key["description"]!);
        Assert.Equal("1", (string)key["tags"]!["a"]!);
        Assert.Equal("P1D", (string)key["rotation"]!["every"]!);

        key = (await api.Patch("/v1/keys/" + id, """{"description":null,"tags":null,"rotation":null}""")).Is(HttpStatusCode.OK).Json;
        Assert.Null(key["description"]);
        Assert.Empty(key["tags"]!.AsObject());
        Assert.Null(key["rotation"]);
    }

    [Fact]
    public async Task Update_MinDecryptVersion_ShutsOldCiphertextsOut()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [1]);
        await api.Post($"/v1/keys/{id}/rotate");
        (await api.Patch("/v1/keys/" + id, """{"min_decrypt_version":2}""")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Patch("/v1/keys/" + id, """{"min_decrypt_version":3}""")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Patch("/v1/keys/" + id, """{"min_decrypt_version":null}""")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"state":"enabled"}""")]
    [InlineData("""{"min_decrypt_version":"1"}""")]
    [InlineData("""{"min_decrypt_version":1.5}""")]
    public async Task Update_BadBody_IsInvalidRequest(string body)
    {
        var id = await api.NewKey();
        (await api.Patch("/v1/keys/" + id, body)).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Rotate_MakesANewPrimary_AndOldCiphertextsDecrypt()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [7]);
        var key = (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(2, (int)key["primary_version"]!);
        Assert.Equal(2, key["versions"]!.AsArray().Count);
        var decrypted = (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(1, (int)decrypted["key_version"]!);
    }

    [Fact]
    public async Task Rotation_AfterUses_GivesEachVersionItsUsesAndNoMore()
    {
        var id = await api.NewKey(new { rotation = new { after_uses = 2 } });
        var versions = new List<int>();
        for (var i = 0; i < 5; i++)
        {
            versions.Add((int)(await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AAAA" })).Is(HttpStatusCode.OK).Json["key_version"]!);
        }

        Assert.Equal([1, 1, 2, 2, 3], versions);
        var key = (await api.Get("/v1/keys/" + id)).Json;
        Assert.Equal([2, 2, 1], key["versions"]!.AsArray().Select(v => (int)v!["uses"]!));
    }

    [Fact]
    public async Task Rotate_BodyOfUnknownFields_IsInvalidRequest()
    {
        var id = await api.NewKey();
        (await api.PostText($"/v1/keys/{id}/rotate", "{}")).Is(HttpStatusCode.OK);
        (await api.PostText($"/v1/keys/{id}/rotate", """{"now":true}""")).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Disable_StopsUse_EnableTakesItBack()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [7]);
        Assert.Equal("disabled", (string)(await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK).Json["state"]!);
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.Conflict, "key_disabled");
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext })).Is(HttpStatusCode.Conflict, "key_disabled");
        Assert.Equal("enabled", (string)(await api.Post($"/v1/keys/{id}/enable")).Is(HttpStatusCode.OK).Json["state"]!);
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Versions_DisableEnableDestroy()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [7]);
        await api.Post($"/v1/keys/{id}/rotate");
        var key = (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK).Json;
        Assert.Equal("disabled", (string)key["versions"]![0]!["state"]!);
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/versions/1/enable")).Is(HttpStatusCode.OK);
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
        await api.Post($"/v1/keys/{id}/versions/1/destroy", new { after = "PT0S" });
        do
        {
            key = (await api.Get("/v1/keys/" + id)).Is(HttpStatusCode.OK).Json;
        }
        while ((string)key["versions"]![0]!["state"]! != "destroyed");
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/versions/1/enable")).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/versions/9/disable")).Is(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Versions_DestructionWaitsAndCanBeCancelled_AndThePrimaryIsRefused()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [7]);
        var refused = (await api.Post($"/v1/keys/{id}/versions/1/destroy")).Is(HttpStatusCode.Conflict, "conflict");
        Assert.Contains("rotate", (string)refused.Json["detail"]!, StringComparison.Ordinal);
        await api.Post($"/v1/keys/{id}/rotate");
        (await api.Post($"/v1/keys/{id}/versions/1/cancel-destroy")).Is(HttpStatusCode.Conflict, "conflict");

        var before = DateTimeOffset.UtcNow;
        var version = (await api.Post($"/v1/keys/{id}/versions/1/destroy")).Is(HttpStatusCode.OK).Json["versions"]![0]!.AsObject();
        Assert.Equal(["version", "state", "created_at", "uses", "destroy_at"], version.Select(p => p.Key));
        Assert.Equal("pending_destruction", (string)version["state"]!);
        Assert.InRange(DateTimeOffset.Parse((string)version["destroy_at"]!, null), before.AddDays(7), DateTimeOffset.UtcNow.AddDays(7));
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/versions/1/enable")).Is(HttpStatusCode.Conflict, "version_not_usable");
        var later = (await api.Post($"/v1/keys/{id}/versions/1/destroy", new { after = "P30D" })).Is(HttpStatusCode.OK).Json["versions"]![0]!;
        Assert.InRange(DateTimeOffset.Parse((string)later["destroy_at"]!, null), before.AddDays(30), DateTimeOffset.UtcNow.AddDays(30));

        version = (await api.Post($"/v1/keys/{id}/versions/1/cancel-destroy")).Is(HttpStatusCode.OK).Json["versions"]![0]!.AsObject();
        Assert.Equal(("disabled", null), ((string)version["state"]!, version["destroy_at"]));
        await api.Post($"/v1/keys/{id}/versions/1/enable");
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
        foreach (var after in new[] { "P366D", "1 day", "P1M", "-P1D" })
        {
            (await api.Post($"/v1/keys/{id}/versions/1/destroy", new { after })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1.0")]
    [InlineData("x")]
    [InlineData("2147483648")]
    [InlineData("%D9%A1")]
    public async Task Versions_NotAVersion_IsInvalidParameter(string version)
    {
        var id = await api.NewKey();
        (await api.Post($"/v1/keys/{id}/versions/{version}/disable")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Fact]
    public async Task Deletion_ScheduleAndCancel()
    {
        var id = await api.NewKey();
        (await api.Post($"/v1/keys/{id}/cancel-deletion")).Is(HttpStatusCode.Conflict, "conflict");
        var before = DateTimeOffset.UtcNow;
        var key = (await api.Post($"/v1/keys/{id}/schedule-deletion")).Is(HttpStatusCode.OK).Json;
        Assert.Equal("pending_deletion", (string)key["state"]!);
        var due = DateTimeOffset.Parse((string)key["deletion_at"]!, null);
        Assert.InRange(due, before.AddDays(30), DateTimeOffset.UtcNow.AddDays(30));
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.Conflict, "key_pending_deletion");
        key = (await api.Post($"/v1/keys/{id}/cancel-deletion")).Is(HttpStatusCode.OK).Json;
        Assert.Equal("disabled", (string)key["state"]!);
        Assert.Null(key["deletion_at"]);
    }

    [Theory]
    [InlineData("P366D")]
    [InlineData("1 day")]
    [InlineData("P1M")]
    [InlineData("-P1D")]
    public async Task Deletion_NotAnAllowedTime_IsInvalidParameter(string after)
    {
        var id = await api.NewKey();
        (await api.Post($"/v1/keys/{id}/schedule-deletion", new { after })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Fact]
    public async Task Deletion_WhenDue_LeavesATombstoneThatAPlainListHides()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [7]);
        await api.Post($"/v1/keys/{id}/schedule-deletion", new { after = "PT0S" });
        await UntilDestroyed(id);
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.Conflict, "key_destroyed");
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.Conflict, "key_destroyed");
        (await api.Post("/v1/keys", new { id })).Is(HttpStatusCode.Conflict, "key_destroyed");
        Assert.Empty((await api.Get("/v1/keys?prefix=" + id)).Json["keys"]!.AsArray());
        var listed = (await api.Get($"/v1/keys?destroyed=true&describe=true&prefix={id}")).Json["keys"]!.AsArray();
        Assert.Equal("destroyed", (string)Assert.Single(listed)!["state"]!);
    }

    [Fact]
    public async Task Create_OriginExternal_WaitsForItsMaterial()
    {
        var id = await api.NewKey(new { origin = "external" });
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.Conflict, "key_pending_import");
    }

    [Fact]
    public async Task Validate_TellsOfEachId()
    {
        var good = await api.NewKey();
        var disabled = await api.NewKey();
        await api.Post($"/v1/keys/{disabled}/disable");
        var missing = Api.NewId();
        await api.Put("/v1/aliases/" + good, new { key_id = good });
        var ids = new[] { good, disabled, missing, "a/b", "alias:" + good, "alias:" + missing, good };
        var results = (await api.Post("/v1/keys/validate", new { ids })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(ids, results.Select(r => (string)r!["id"]!));
        Assert.Equal([true, false, false, false, true, false, true], results.Select(r => (bool)r!["valid"]!));
        Assert.Equal(
            [null, "key_disabled", "key_not_found", "invalid_key_id", null, "alias_not_found", null],
            results.Select(r => (string?)r!["error"]?["code"]));
        Assert.Equal(["enabled", "disabled", null, null, "enabled", null, "enabled"], results.Select(r => (string?)r!["state"]));
    }

    [Fact]
    public async Task Validate_NoneOrTooMany_IsInvalidRequest()
    {
        var many = Enumerable.Range(0, 1000).Select(i => $"none-{i}").ToArray();
        Assert.Equal(1000, (await api.Post("/v1/keys/validate", new { ids = many })).Is(HttpStatusCode.OK).Json["results"]!.AsArray().Count);
        (await api.Post("/v1/keys/validate", new { ids = many.Append("one-more") })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post("/v1/keys/validate", new { ids = Array.Empty<string>() })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.PostText("/v1/keys/validate", """{"ids":[null]}""")).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    private async Task UntilDestroyed(string id)
    {
        JsonNode key;
        do
        {
            key = (await api.Get("/v1/keys/" + id)).Is(HttpStatusCode.OK).Json;
        }
        while ((string)key["state"]! != "destroyed");
    }
}
