using System.Net;

namespace OrleansKms.Tests.Api;

/// <summary>A ciphertext that is not exactly the one that was made tells nothing but that.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class CiphertextTests(DefaultApi api)
{
    private async Task<(string Id, byte[] Ciphertext)> Make()
    {
        var id = "c" + Guid.NewGuid().ToString("N")[..8];
        await api.Post("/v1/keys", new { id });
        return (id, await api.Encrypt(id, "attack at dawn"u8.ToArray(), [1, 2, 3]));
    }

    private async Task IsInvalid(string path, byte[] ciphertext, byte[]? associatedData, HashSet<string> details)
    {
        var answer = await api.Post(path, new { ciphertext, associated_data = associatedData });
        answer.Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        details.Add((string)answer.Json["detail"]!);
    }

    [Fact]
    public async Task EveryForgery_IsTheSameError()
    {
        var (id, ciphertext) = await Make();
        var (other, _) = await Make();
        var details = new HashSet<string>();
        foreach (var path in new[] { $"/v1/keys/{id}/decrypt", "/v1/decrypt", $"/v1/keys/{id}/rewrap" })
        {
            for (var length = 0; length < ciphertext.Length; length++)
            {
                await IsInvalid(path, ciphertext[..length], [1, 2, 3], details);
            }

            for (var i = 0; i < ciphertext.Length; i++)
            {
                var changed = (byte[])ciphertext.Clone();
                changed[i] ^= (byte)(1 << (i % 8));
                if (path == "/v1/decrypt" && CiphertextHeader.TryRead(changed, out var header) && header.KeyId != id)
                {
                    // It names another key, in the clear, and there is none of that name.
                    (await api.Post(path, new { ciphertext = changed, associated_data = "AQID" })).Is(HttpStatusCode.NotFound, "key_not_found");
                    continue;
                }

                await IsInvalid(path, changed, [1, 2, 3], details);
            }

            await IsInvalid(path, [.. ciphertext, 0], [1, 2, 3], details);
            await IsInvalid(path, ciphertext, [1, 2, 4], details);
            await IsInvalid(path, ciphertext, [1, 2, 3, 0], details);
            await IsInvalid(path, ciphertext, [], details);
            await IsInvalid(path, ciphertext, null, details);
        }

        await IsInvalid($"/v1/keys/{other}/decrypt", ciphertext, [1, 2, 3], details);
        await IsInvalid($"/v1/keys/{other}/rewrap", ciphertext, [1, 2, 3], details);
        Assert.Single(details);
    }
}
