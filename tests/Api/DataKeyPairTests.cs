using System.Net;
using System.Text.Json;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class DataKeyPairTests(DefaultApi api)
{
    [Theory]
    [InlineData("ECC_NIST_P256")]
    [InlineData("ECC_NIST_P384")]
    [InlineData("ECC_NIST_P521")]
    [InlineData("ECC_SECG_P256K1")]
    [InlineData("X25519")]
    [InlineData("ED25519")]
    [InlineData("RSA_2048")]
    public async Task Pair_IsOne_AndItsPrivateKeyDecryptsAsSuch(string spec)
    {
        var id = await api.NewKey();
        var pair = (await api.Post($"/v1/keys/{id}/datakey-pair", new { spec, associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "public_key", "private_key", "ciphertext"], pair.Select(p => p.Key));
        Assert.Equal((id, 1), ((string)pair["key_id"]!, (int)pair["key_version"]!));
        await AssertIsPair(pair["public_key"].Deserialize<byte[]>()!, pair["private_key"].Deserialize<byte[]>()!);
        var opened = (await api.Post("/v1/decrypt", new { ciphertext = (string)pair["ciphertext"]!, associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("data_key_pair", (string)pair["private_key"]!), ((string)opened["kind"]!, (string)opened["plaintext"]!));
        (await api.Post("/v1/decrypt", new { ciphertext = (string)pair["ciphertext"]! })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");

        var hidden = (await api.Post($"/v1/keys/{id}/datakey-pair", new { spec, plaintext = false })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "public_key", "ciphertext"], hidden.Select(p => p.Key));
        opened = (await api.Post("/v1/decrypt", new { ciphertext = (string)hidden["ciphertext"]! })).Is(HttpStatusCode.OK).Json;
        await AssertIsPair(hidden["public_key"].Deserialize<byte[]>()!, opened["plaintext"].Deserialize<byte[]>()!);
        Assert.NotEqual((string)pair["public_key"]!, (string)hidden["public_key"]!);

        // Rewrapping keeps the kind.
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        var rewrapped = (await api.Post($"/v1/keys/{id}/rewrap", new { ciphertext = (string)hidden["ciphertext"]! })).Is(HttpStatusCode.OK).Json;
        opened = (await api.Post("/v1/decrypt", new { ciphertext = (string)rewrapped["ciphertext"]! })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("data_key_pair", 2), ((string)opened["kind"]!, (int)opened["key_version"]!));
        Assert.Equal(3, (int)(await api.Get("/v1/keys/" + id)).Json["uses"]!["encrypt"]!);
    }

    [Theory]
    [InlineData("""{}""", 400, "invalid_request")]
    [InlineData("""{"spec":null}""", 400, "invalid_request")]
    [InlineData("""{"spec":""}""", 400, "unsupported_algorithm")]
    [InlineData("""{"spec":"AES_256_GCM"}""", 400, "unsupported_algorithm")]
    [InlineData("""{"spec":"HMAC_256"}""", 400, "unsupported_algorithm")]
    [InlineData("""{"spec":"HKDF_256"}""", 400, "unsupported_algorithm")]
    [InlineData("""{"spec":"ML_DSA_44"}""", 400, "unsupported_algorithm")]
    [InlineData("""{"spec":"RSA_1024"}""", 400, "unsupported_algorithm")]
    [InlineData("""{"spec":"x25519"}""", 400, "unsupported_algorithm")]
    [InlineData("""{"spec":"X25519","bytes":32}""", 400, "invalid_request")]
    [InlineData("""{"spec":"X25519","plaintext":"no"}""", 400, "invalid_request")]
    public async Task BadFields_AreRefused(string body, int status, string code)
    {
        var id = await api.NewKey();
        (await api.PostText($"/v1/keys/{id}/datakey-pair", body)).Is((HttpStatusCode)status, code);
        (await api.Post($"/v1/keys/{id}/datakey-pair", new { spec = new string('x', 20_000) })).Is(HttpStatusCode.BadRequest, "unsupported_algorithm");
        (await api.Post($"/v1/keys/{id}/datakey-pair", new { spec = "X25519", associated_data = new byte[8193] }))
            .Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        Assert.Equal(0, (int)(await api.Get("/v1/keys/" + id)).Json["uses"]!["encrypt"]!);
    }

    [Fact]
    public async Task KeysThatDoNotEncrypt_AreRefused()
    {
        (await api.Post($"/v1/keys/{await api.NewKey(new { spec = "HMAC_256" })}/datakey-pair", new { spec = "X25519" }))
            .Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        var id = await api.NewKey();
        (await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/datakey-pair", new { spec = "X25519" })).Is(HttpStatusCode.Conflict, "key_disabled");
    }

    private static async Task AssertIsPair(byte[] publicKey, byte[] privateKey) =>
        Assert.Equal(await OpenSsl.Run(privateKey, "pkey", "-inform", "DER", "-pubout", "-outform", "DER"), publicKey);
}
