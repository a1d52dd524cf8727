using System.Net;
using System.Security.Cryptography;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class OctetTests(DefaultApi api)
{
    private const string Octets = "application/octet-stream";

    private Task<Answer> Post(string path, byte[] body, params (string, string)[] headers) =>
        api.Body(HttpMethod.Post, path, body, Octets, headers);

    [Theory]
    [InlineData(1)]
    [InlineData(65536)]
    public async Task Octets_ThereAndBack(int length)
    {
        var id = await api.NewKey();
        var plaintext = RandomNumberGenerator.GetBytes(length);
        var encrypted = (await Post($"/v1/keys/{id}/encrypt", plaintext, ("Okms-Associated-Data", "AQID"))).Is(HttpStatusCode.OK);
        Assert.Equal(Octets, encrypted.Header("Content-Type"));
        Assert.Equal("1", encrypted.Header("Okms-Key-Version"));
        Assert.Equal(id, encrypted.Header("Okms-Key-Id"));
        foreach (var path in new[] { $"/v1/keys/{id}/decrypt", "/v1/decrypt" })
        {
            var decrypted = (await Post(path, encrypted.Body, ("Okms-Associated-Data", "AQID"))).Is(HttpStatusCode.OK);
            Assert.Equal(plaintext, decrypted.Body);
            Assert.Equal("1", decrypted.Header("Okms-Key-Version"));
            Assert.Equal(id, decrypted.Header("Okms-Key-Id"));
            Assert.Equal("data", decrypted.Header("Okms-Kind"));
            (await Post(path, encrypted.Body)).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        }
    }

    [Fact]
    public async Task Octets_SizesBeyondTheLimits_AreRefused()
    {
        var id = await api.NewKey();
        (await Post($"/v1/keys/{id}/encrypt", [])).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await Post($"/v1/keys/{id}/encrypt", new byte[65537])).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await Post($"/v1/keys/{id}/encrypt", new byte[1 << 20])).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await Post($"/v1/keys/{id}/decrypt", [])).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        (await Post("/v1/decrypt", new byte[(1 << 20) + 1024])).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await Post($"/v1/keys/{id}/encrypt", [1], ("Okms-Associated-Data", Convert.ToBase64String(new byte[8193]))))
            .Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData("AQ")]
    [InlineData("AQ= =")]
    [InlineData("AR==")]
    [InlineData("A_-=")]
    [InlineData("AQ==,AQ==")]
    public async Task Octets_HeaderIsNotBase64_IsInvalidRequest(string header)
    {
        var id = await api.NewKey();
        (await Post($"/v1/keys/{id}/encrypt", [1], ("Okms-Associated-Data", header))).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Theory]
    [InlineData("/encrypt")]
    [InlineData("/decrypt")]
    [InlineData("/v1/batch")]
    [InlineData("/v1/random")]
    [InlineData("/v1/reencrypt")]
    public async Task Octets_WhereOnlyJsonIsTaken_IsUnsupportedMediaType(string path) =>
        (await Post(path, [1])).Is(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
}
