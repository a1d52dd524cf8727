using System.Net;
using System.Security.Cryptography;
using System.Text.Json;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class CryptographyTests(DefaultApi api)
{
    private const int Limit = 64 * 1024;

    [Theory]
    [InlineData(1)]
    [InlineData(1021)]
    [InlineData(Limit)]
    public async Task Encrypt_ThenDecrypt_GivesThePlaintextBack(int length)
    {
        var id = await api.NewKey();
        var (plaintext, associatedData) = (RandomNumberGenerator.GetBytes(length), RandomNumberGenerator.GetBytes(8192));
        var encrypted = (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext, associated_data = associatedData })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "ciphertext"], encrypted.Select(p => p.Key));
        var ciphertext = (string)encrypted["ciphertext"]!;
        foreach (var path in new[] { $"/v1/keys/{id}/decrypt", "/v1/decrypt" })
        {
            var decrypted = (await api.Post(path, new { ciphertext, associated_data = associatedData })).Is(HttpStatusCode.OK).Json.AsObject();
            Assert.Equal(["key_id", "key_version", "kind", "plaintext"], decrypted.Select(p => p.Key));
            Assert.Equal((id, 1, "data"), ((string)decrypted["key_id"]!, (int)decrypted["key_version"]!, (string)decrypted["kind"]!));
            Assert.Equal(plaintext, decrypted["plaintext"].Deserialize<byte[]>());
        }
    }

    [Fact]
    public async Task Encrypt_SizesBeyondTheLimits_AreRefused()
    {
        var id = await api.NewKey();
        var path = $"/v1/keys/{id}/encrypt";
        (await api.Post(path, new { plaintext = "" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post(path, new { plaintext = new byte[Limit + 1] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Post(path, new { plaintext = new byte[1 << 20] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Post(path, new { plaintext = new byte[1], associated_data = new byte[8193] }))
            .Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Post("/encrypt", new { key_id = id, plaintext = new byte[1 << 20] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Post("/v1/decrypt", new { ciphertext = new byte[(1 << 20) + 1024] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task Decrypt_EmptyAssociatedData_IsNone()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [1], []);
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
        (await api.PostText("/v1/decrypt", $$"""{"ciphertext":"{{Convert.ToBase64String(ciphertext)}}","associated_data":null}""")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Base64_WithEscapesOfJson_IsRead()
    {
        var id = await api.NewKey();
        (await api.PostText($"/v1/keys/{id}/encrypt", """{"plaintext":"\u002b\/+/"}""")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task ShortForms_Work()
    {
        var id = await api.NewKey();
        var encrypted = (await api.Post("/encrypt", new { key_id = id, plaintext = "aGVsbG8=", associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json;
        var ciphertext = (string)encrypted["ciphertext"]!;
        var decrypted = (await api.Post("/decrypt", new { key_id = id, ciphertext, associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json;
        Assert.Equal("aGVsbG8=", (string)decrypted["plaintext"]!);
        (await api.Post("/decrypt", new { ciphertext, associated_data = "AQ==" })).Is(HttpStatusCode.OK);
        (await api.Post("/decrypt", new { key_id = await api.NewKey(), ciphertext, associated_data = "AQ==" }))
            .Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        (await api.Post("/encrypt", new { key_id = Api.NewId(), plaintext = "aGVsbG8=" })).Is(HttpStatusCode.NotFound, "key_not_found");
        (await api.Post("/encrypt", new { plaintext = "aGVsbG8=" })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post("/encrypt", new { key_id = "..", plaintext = "aGVsbG8=" })).Is(HttpStatusCode.BadRequest, "invalid_key_id");
    }

    [Fact]
    public async Task Rewrap_MovesToThePrimaryVersion()
    {
        var id = await api.NewKey();
        var old = await api.Encrypt(id, [5], [6]);
        await api.Post($"/v1/keys/{id}/rotate");
        var rewrapped = (await api.Post($"/v1/keys/{id}/rewrap", new { ciphertext = old, associated_data = "Bg==" })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(2, (int)rewrapped["key_version"]!);
        Assert.Null(rewrapped["plaintext"]);
        var decrypted = (await api.Post("/v1/decrypt", new { ciphertext = (string)rewrapped["ciphertext"]!, associated_data = "Bg==" })).Json;
        Assert.Equal("BQ==", (string)decrypted["plaintext"]!);
        (await api.Post($"/v1/keys/{id}/rewrap", new { ciphertext = old })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
    }

    [Fact]
    public async Task Reencrypt_MovesToAnotherKeyAndAssociatedData()
    {
        var (from, to) = (await api.NewKey(), await api.NewKey());
        var old = await api.Encrypt(from, [5], [6]);
        var moved = (await api.Post("/v1/reencrypt", new
        {
            ciphertext = old,
            associated_data = "Bg==",
            destination_key_id = to,
            destination_associated_data = "Bw==",
        })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(to, (string)moved["key_id"]!);
        var decrypted = (await api.Post($"/v1/keys/{to}/decrypt", new { ciphertext = (string)moved["ciphertext"]!, associated_data = "Bw==" })).Is(HttpStatusCode.OK);
        Assert.Equal("BQ==", (string)decrypted.Json["plaintext"]!);
        (await api.Post("/v1/reencrypt", new { ciphertext = old, destination_key_id = to })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        (await api.Post("/v1/reencrypt", new { ciphertext = "AAAA", destination_key_id = to })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        (await api.Post("/v1/reencrypt", new { ciphertext = old, associated_data = "Bg==", destination_key_id = Api.NewId() }))
            .Is(HttpStatusCode.NotFound, "key_not_found");
        (await api.Post("/v1/reencrypt", new { ciphertext = old, destination_key_id = "a b" })).Is(HttpStatusCode.BadRequest, "invalid_key_id");

        // The last character of the id that stands in the ciphertext, which then names a key that does not exist.
        old[7 + from.Length - 1] = (byte)'z';
        (await api.Post("/v1/reencrypt", new { ciphertext = old, associated_data = "Bg==", destination_key_id = to }))
            .Is(HttpStatusCode.NotFound, "key_not_found");
    }

    [Fact]
    public async Task DataKey_DecryptsAsSuch()
    {
        var id = await api.NewKey();
        var key = (await api.Post($"/v1/keys/{id}/datakey")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(32, Convert.FromBase64String((string)key["plaintext"]!).Length);
        var decrypted = (await api.Post("/v1/decrypt", new { ciphertext = (string)key["ciphertext"]! })).Is(HttpStatusCode.OK).Json;
        Assert.Equal("data_key", (string)decrypted["kind"]!);
        Assert.Equal((string)key["plaintext"]!, (string)decrypted["plaintext"]!);

        var wrapped = (await api.Post($"/v1/keys/{id}/datakey", new { bytes = 1024, plaintext = false, associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json;
        Assert.Null(wrapped["plaintext"]);
        decrypted = (await api.Post("/v1/decrypt", new { ciphertext = (string)wrapped["ciphertext"]!, associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(1024, Convert.FromBase64String((string)decrypted["plaintext"]!).Length);
    }

    [Theory]
    [InlineData("""{"bytes":0}""", "invalid_parameter")]
    [InlineData("""{"bytes":1025}""", "invalid_parameter")]
    [InlineData("""{"bytes":-1}""", "invalid_parameter")]
    [InlineData("""{"bytes":"32"}""", "invalid_request")]
    [InlineData("""{"bytes":99999999999}""", "invalid_request")]
    [InlineData("""{"plaintext":"yes"}""", "invalid_request")]
    public async Task DataKey_BadField_IsRefused(string body, string code)
    {
        var id = await api.NewKey();
        (await api.PostText($"/v1/keys/{id}/datakey", body)).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task Random_DrawsAsManyAsAsked()
    {
        var first = (await api.Post("/v1/random", new { bytes = 1024 })).Is(HttpStatusCode.OK).Json["bytes"].Deserialize<byte[]>()!;
        var second = (await api.Post("/v1/random", new { bytes = 1024 })).Json["bytes"].Deserialize<byte[]>()!;
        Assert.Equal(1024, first.Length);
        Assert.NotEqual(first, second);
        (await api.Post("/v1/random", new { bytes = 0 })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/random", new { bytes = 1025 })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/random", new { })).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Theory]
    [InlineData("encrypt", """{"plaintext":"AQ=="}""")]
    [InlineData("datakey", "{}")]
    [InlineData("rotate", "{}")]
    [InlineData("enable", "{}")]
    [InlineData("disable", "{}")]
    [InlineData("versions/1/disable", "{}")]
    [InlineData("versions/1/enable", "{}")]
    [InlineData("versions/1/destroy", "{}")]
    [InlineData("schedule-deletion", "{}")]
    [InlineData("cancel-deletion", "{}")]
    public async Task EveryRouteOfAKey_NoSuchKey_IsKeyNotFound(string action, string body) =>
        (await api.PostText($"/v1/keys/{Api.NewId()}/{action}", body)).Is(HttpStatusCode.NotFound, "key_not_found");
}
