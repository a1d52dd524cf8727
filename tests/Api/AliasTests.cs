using System.Net;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class AliasTests(DefaultApi api)
{
    [Fact]
    public async Task Alias_IsMadePointedElsewhereAndRemoved()
    {
        var (first, second, name) = (await api.NewKey(), await api.NewKey(), Api.NewId());
        (await api.Get("/v1/aliases/" + name)).Is(HttpStatusCode.NotFound, "alias_not_found");
        var alias = (await api.Put("/v1/aliases/" + name, new { key_id = first })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["name", "key_id", "created_at", "updated_at"], alias.Select(p => p.Key));
        Assert.Equal(first, (string)alias["key_id"]!);
        (await api.Put("/v1/aliases/" + name, new { key_id = second })).Is(HttpStatusCode.OK);
        Assert.Equal(second, (string)(await api.Get("/v1/aliases/" + name)).Is(HttpStatusCode.OK).Json["key_id"]!);
        Assert.Empty((await api.Delete("/v1/aliases/" + name)).Is(HttpStatusCode.NoContent).Body);
        (await api.Get("/v1/aliases/" + name)).Is(HttpStatusCode.NotFound, "alias_not_found");
        (await api.Delete("/v1/aliases/" + name)).Is(HttpStatusCode.NotFound, "alias_not_found");
    }

    [Fact]
    public async Task Alias_ServesWhereverAnIdDoes()
    {
        var (id, name) = (await api.NewKey(), Api.NewId());
        await api.Put("/v1/aliases/" + name, new { key_id = id });
        var alias = "alias:" + name;
        Assert.Equal(id, (string)(await api.Get("/v1/keys/" + alias)).Is(HttpStatusCode.OK).Json["id"]!);
        var encrypted = (await api.Post($"/v1/keys/{alias}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(id, (string)encrypted["key_id"]!);
        var ciphertext = (string)encrypted["ciphertext"]!;
        (await api.Post($"/v1/keys/{alias}/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{alias}/rotate")).Is(HttpStatusCode.OK);
        (await api.Post("/encrypt", new { key_id = alias, plaintext = "AQ==" })).Is(HttpStatusCode.OK);
        (await api.Post("/decrypt", new { key_id = alias, ciphertext })).Is(HttpStatusCode.OK);
        (await api.Post("/v1/reencrypt", new { ciphertext, destination_key_id = alias })).Is(HttpStatusCode.OK);
        var other = Api.NewId();
        var pointed = (await api.Put("/v1/aliases/" + other, new { key_id = alias })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(id, (string)pointed["key_id"]!);
    }

    [Fact]
    public async Task Alias_ThatNobodyMade_IsAliasNotFound() =>
        (await api.Post($"/v1/keys/alias:{Api.NewId()}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.NotFound, "alias_not_found");

    [Theory]
    [InlineData("alias:")]
    [InlineData("alias:a%2Fb")]
    [InlineData("alias:alias:x")]
    [InlineData("ALIAS:x")]
    public async Task Alias_InBadForm_IsInvalidKeyId(string id) =>
        (await api.Get("/v1/keys/" + id)).Is(HttpStatusCode.BadRequest, "invalid_key_id");

    [Fact]
    public async Task Put_BadRequests_AreRefused()
    {
        var id = await api.NewKey();
        (await api.Put("/v1/aliases/.bad", new { key_id = id })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Put("/v1/aliases/" + new string('a', 129), new { key_id = id })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Put("/v1/aliases/good", new { key_id = "a/b" })).Is(HttpStatusCode.BadRequest, "invalid_key_id");
        (await api.Put("/v1/aliases/good", new { })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Put("/v1/aliases/good", new { key_id = Api.NewId() })).Is(HttpStatusCode.NotFound, "key_not_found");
    }

    [Fact]
    public async Task List_ByPages_HasEveryAliasInOrder()
    {
        var (id, prefix) = (await api.NewKey(), Api.NewId() + ".");
        foreach (var name in new[] { "c", "a", "b" })
        {
            await api.Put("/v1/aliases/" + prefix + name, new { key_id = id });
        }

        var page = (await api.Get($"/v1/aliases?prefix={prefix}&limit=2")).Is(HttpStatusCode.OK).Json;
        Assert.Equal([prefix + "a", prefix + "b"], page["aliases"]!.AsArray().Select(a => (string)a!["name"]!));
        page = (await api.Get($"/v1/aliases?prefix={prefix}&limit=2&cursor={(string)page["next_cursor"]!}")).Is(HttpStatusCode.OK).Json;
        var last = Assert.Single(page["aliases"]!.AsArray())!;
        Assert.Equal((prefix + "c", id), ((string)last["name"]!, (string)last["key_id"]!));
        Assert.Null(page["next_cursor"]);
    }
}
