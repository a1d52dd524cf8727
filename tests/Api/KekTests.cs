using System.Net;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>The key-encryption keys, as an administrator sees them.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class KekTests(DefaultApi api)
{
    [Fact]
    public async Task Rotate_NewKekBecomesCurrentAndTheOldOneRetiresAndIsDestroyed()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [1, 2, 3]);
        var before = Assert.Single(await Keks(), k => State(k) == "current");
        var old = (string)before["id"]!;
        Assert.Equal(["id", "state", "created_at", "rows", "wraps"], before.Select(p => p.Key));
        Assert.True((long)before["rows"]! > 0);
        Assert.StartsWith("file:", (string)Assert.Single(before["wraps"]!.AsArray())!, StringComparison.Ordinal);
        (await api.Post($"/v1/admin/keks/{old}/destroy")).Is(HttpStatusCode.Conflict, "conflict");

        var made = (await api.Post("/v1/admin/keks/rotate")).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Contains(State(made), new[] { "new", "current" });
        var retired = await Until(keks => keks.Find(k => (string)k["id"]! == old && State(k) == "retired"));

        Assert.Equal((string)made["id"]!, (string)Assert.Single(await Keks(), k => State(k) == "current")["id"]!);
        Assert.Equal(["id", "state", "created_at", "superseded_at", "rows", "wraps", "resealing"], retired.Select(p => p.Key));
        Assert.Equal(["rows_done", "rows_left", "rows_per_second"], retired["resealing"]!.AsObject().Select(p => p.Key));
        Assert.Equal(0, (long)retired["resealing"]!["rows_left"]!);
        Assert.True((long)retired["resealing"]!["rows_done"]! > 0);
        await Until(async () => (await api.Post($"/v1/admin/keks/{old}/destroy")).Status == HttpStatusCode.OK);
        (await api.Post($"/v1/admin/keks/{old}/destroy")).Is(HttpStatusCode.NotFound, "not_found");
        Assert.Equal("destroyed", State(Assert.Single(await Keks(), k => (string)k["id"]! == old)));
        var decrypted = (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext })).Is(HttpStatusCode.OK).Json;
        Assert.Equal("AQID", (string)decrypted["plaintext"]!);
    }

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef", HttpStatusCode.NotFound, "not_found")]
    [InlineData("0123456789ABCDEF0123456789ABCDEF", HttpStatusCode.BadRequest, "invalid_parameter")]
    [InlineData("x", HttpStatusCode.BadRequest, "invalid_parameter")]
    public async Task Destroy_NoSuchKek_IsRefused(string id, HttpStatusCode status, string code) =>
        (await api.Post($"/v1/admin/keks/{id}/destroy")).Is(status, code);

    [Theory]
    [InlineData("GET", "/v1/admin/keks")]
    [InlineData("POST", "/v1/admin/keks/rotate")]
    [InlineData("POST", "/v1/admin/keks/0123456789abcdef0123456789abcdef/destroy")]
    public async Task Keks_WithoutCredentials_AreUnauthenticated(string method, string path)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer wrong");
        (await api.Send(request)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    private static string State(JsonObject kek) => (string)kek["state"]!;

    private async Task<List<JsonObject>> Keks() =>
        [.. (await api.Get("/v1/admin/keks")).Is(HttpStatusCode.OK).Json["keks"]!.AsArray().Select(k => k!.AsObject())];

    private async Task<JsonObject> Until(Func<List<JsonObject>, JsonObject?> find)
    {
        JsonObject? found = null;
        await Until(async () => (found = find(await Keks())) is not null);
        return found!;
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested);
            await Task.Delay(50);
        }
    }
}
