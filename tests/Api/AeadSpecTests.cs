using System.Net;
using System.Security.Cryptography;
using System.Text.Json;

namespace OrleansKms.Tests.Api;

/// <summary>What is promised of keys that encrypt holds for each of their specs.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class AeadSpecTests(DefaultApi api)
{
    private static readonly string[] _specs =
        ["AES_256_GCM", "AES_128_GCM", "AES_256_GCM_SIV", "XAES_256_GCM", "CHACHA20_POLY1305", "XCHACHA20_POLY1305"];

    public static TheoryData<string> Specs => new(_specs);

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task EverythingThatEncrypts_WorksOverARotation(string spec)
    {
        var id = await api.NewKey(new { spec });
        byte[] plaintext = RandomNumberGenerator.GetBytes(1021), associatedData = [6, 7];
        var old = await api.Encrypt(id, plaintext, associatedData);
        var dataKey = (await api.Post($"/v1/keys/{id}/datakey", new { bytes = 48 })).Is(HttpStatusCode.OK).Json;
        var items = (await api.Post($"/v1/keys/{id}/encrypt", new { items = new[] { new { plaintext = "AQ==" }, new { plaintext = "Ag==" } } }))
            .Is(HttpStatusCode.OK).Json["results"]!.AsArray().Select(r => (string)r!["ciphertext"]!).ToArray();
        Assert.Equal(2, (int)(await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK).Json["primary_version"]!);

        Assert.Equal(plaintext, await Decrypted(id, old, associatedData));
        var opened = (await api.Post("/v1/decrypt", new { ciphertext = (string)dataKey["ciphertext"]! })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("data_key", (string)dataKey["plaintext"]!), ((string)opened["kind"]!, (string)opened["plaintext"]!));
        var decrypted = (await api.Post($"/v1/keys/{id}/decrypt", new { items = items.Select(ciphertext => new { ciphertext }) }))
            .Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(["AQ==", "Ag=="], decrypted.Select(r => (string)r!["plaintext"]!));

        var rewrapped = (await api.Post($"/v1/keys/{id}/rewrap", new { ciphertext = old, associated_data = associatedData })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(2, (int)rewrapped["key_version"]!);
        Assert.Equal(plaintext, await Decrypted(id, rewrapped["ciphertext"].Deserialize<byte[]>()!, associatedData));
        var batch = (await api.Post("/v1/batch", new
        {
            operations = new object[]
            {
                new { op = "encrypt", key_id = id, plaintext = "AQ==" },
                new { op = "decrypt", ciphertext = old, associated_data = associatedData },
                new { op = "datakey", key_id = id, plaintext = false },
                new { op = "rewrap", key_id = id, ciphertext = items[0] },
            },
        })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.All(batch, r => Assert.Null(r!["error"]));

        (await api.Patch("/v1/keys/" + id, """{"min_decrypt_version":2}""")).Is(HttpStatusCode.OK);
        (await api.Post("/v1/decrypt", new { ciphertext = old, associated_data = associatedData })).Is(HttpStatusCode.Conflict, "version_not_usable");
        Assert.Equal(plaintext, await Decrypted(id, rewrapped["ciphertext"].Deserialize<byte[]>()!, associatedData));
        var uses = (await api.Get("/v1/keys/" + id)).Json["uses"]!;
        Assert.Equal(8, (int)uses["encrypt"]!);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Decrypt_AnyByteChanged_IsOneError(string spec)
    {
        var id = await api.NewKey(new { spec });
        var ciphertext = await api.Encrypt(id, [1, 2, 3], [4]);
        var header = 7 + id.Length;
        var items = Enumerable.Range(header, ciphertext.Length - header).Select(i =>
        {
            var changed = ciphertext.ToArray();
            changed[i] ^= 0x40;
            return new { ciphertext = changed, associated_data = "BA==" };
        }).Append(new { ciphertext, associated_data = "BQ==" }).Append(new { ciphertext = ciphertext[..^1], associated_data = "BA==" });
        var results = (await api.Post($"/v1/keys/{id}/decrypt", new { items })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.All(results, r => Assert.Equal("invalid_ciphertext", (string)r!["error"]!["code"]!));
        Assert.Single(results.Select(r => (string)r!["error"]!["detail"]!).Distinct());
    }

    [Fact]
    public async Task Reencrypt_FromEachSpecToEachOther_KeepsThePlaintext()
    {
        var ids = await Task.WhenAll(_specs.Select(spec => api.NewKey(new { spec })));
        var ciphertext = await api.Encrypt(ids[^1], [9]);
        foreach (var id in ids)
        {
            var moved = (await api.Post("/v1/reencrypt", new { ciphertext, destination_key_id = id })).Is(HttpStatusCode.OK).Json;
            ciphertext = moved["ciphertext"].Deserialize<byte[]>()!;
            Assert.Equal([9], await Decrypted(id, ciphertext, null));
        }
    }

    private async Task<byte[]> Decrypted(string id, byte[] ciphertext, byte[]? associatedData)
    {
        var answer = (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext, associated_data = associatedData })).Is(HttpStatusCode.OK);
        return answer.Json["plaintext"].Deserialize<byte[]>()!;
    }
}
