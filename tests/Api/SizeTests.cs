using System.Net;
using System.Security.Cryptography;
using System.Text.Json;

namespace OrleansKms.Tests.Api;

/// <summary>A service that takes the largest plaintexts there are, has the default least time before an erasure, and no console.</summary>
public sealed class LargeApi : Api
{
    public LargeApi()
        : base(("OKMS_MAX_PLAINTEXT_BYTES", "1048576"), ("OKMS_MIN_DELETION_DELAY", null), ("OKMS_CONSOLE", "false"))
    {
    }
}

/// <summary>The ceiling of plaintexts, and what becomes of ciphertexts when the setting is lowered.</summary>
public sealed class SizeTests(LargeApi api) : IClassFixture<LargeApi>
{
    private const int Ceiling = 1 << 20;
    private const string Octets = "application/octet-stream";

    [Fact]
    public async Task Console_SwitchedOff_IsNotThere_AndNoSessionSignsIn()
    {
        using var stranger = new HttpClient { BaseAddress = api.Http.BaseAddress };
        stranger.DefaultRequestHeaders.Add("Accept", "text/html");
        foreach (var path in (string[])["/console", "/console/", "/console/files/x/console.js", "/"])
        {
            (await Api.Send(stranger, new(HttpMethod.Get, path))).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            (await api.Get(path)).Is(HttpStatusCode.NotFound, "not_found");
        }

        (await api.Post("/console/session")).Is(HttpStatusCode.NotFound, "not_found");
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/whoami");
        request.Headers.TryAddWithoutValidation("Authorization", "Console " + new string('A', 43));
        (await Api.Send(stranger, request)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task LargestPlaintext_AsJson_ThereAndBack_AndOneByteMoreIsTooLarge()
    {
        var (id, plaintext, associatedData) = (await api.NewKey(), RandomNumberGenerator.GetBytes(Ceiling), new byte[8192]);
        var ciphertext = await api.Encrypt(id, plaintext, associatedData);
        foreach (var path in new[] { $"/v1/keys/{id}/decrypt", "/v1/decrypt", "/decrypt" })
        {
            var answer = (await api.Post(path, new { ciphertext, associated_data = associatedData })).Is(HttpStatusCode.OK);
            Assert.Equal(plaintext, answer.Json["plaintext"].Deserialize<byte[]>());
        }

        (await api.Post("/encrypt", new { key_id = id, plaintext })).Is(HttpStatusCode.OK);
        foreach (var path in new[] { $"/v1/keys/{id}/encrypt", "/encrypt" })
        {
            var body = path == "/encrypt" ? (object)new { key_id = id, plaintext = new byte[Ceiling + 1] } : new { plaintext = new byte[Ceiling + 1] };
            (await api.Post(path, body)).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }
    }

    [Fact]
    public async Task LargestPlaintext_AsOctets_ThereAndBack_AndOneByteMoreIsTooLarge()
    {
        var (id, plaintext) = (await api.NewKey(), RandomNumberGenerator.GetBytes(Ceiling));
        var ciphertext = (await api.Body(HttpMethod.Post, $"/v1/keys/{id}/encrypt", plaintext, Octets)).Is(HttpStatusCode.OK).Body;
        foreach (var path in new[] { $"/v1/keys/{id}/decrypt", "/v1/decrypt" })
        {
            Assert.Equal(plaintext, (await api.Body(HttpMethod.Post, path, ciphertext, Octets)).Is(HttpStatusCode.OK).Body);
        }

        (await api.Body(HttpMethod.Post, $"/v1/keys/{id}/encrypt", new byte[Ceiling + 1], Octets))
            .Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task LoweredSetting_LeavesCiphertextsDecryptable()
    {
        var (id, plaintext) = (await api.NewKey(), RandomNumberGenerator.GetBytes(Ceiling));
        var ciphertext = await api.Encrypt(id, plaintext);
        await api.Restart(environment: []);
        try
        {
            (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
            foreach (var path in new[] { $"/v1/keys/{id}/decrypt", "/v1/decrypt", "/decrypt" })
            {
                var answer = (await api.Post(path, new { ciphertext })).Is(HttpStatusCode.OK);
                Assert.Equal(plaintext, answer.Json["plaintext"].Deserialize<byte[]>());
            }

            Assert.Equal(plaintext, (await api.Body(HttpMethod.Post, "/v1/decrypt", ciphertext, Octets)).Is(HttpStatusCode.OK).Body);
            var items = new[] { new { ciphertext } };
            var item = (await api.Post($"/v1/keys/{id}/decrypt", new { items })).Is(HttpStatusCode.OK).Json["results"]![0]!;
            Assert.Equal(plaintext, item["plaintext"].Deserialize<byte[]>());
            (await api.Post($"/v1/keys/{id}/rewrap", new { ciphertext })).Is(HttpStatusCode.OK);
        }
        finally
        {
            await api.Restart();
        }
    }

    [Fact]
    public async Task DeletionAndDestruction_AreScheduledFrom24HoursTo365Days()
    {
        var kept = await api.NewKey();
        (await api.Post($"/v1/keys/{kept}/rotate")).Is(HttpStatusCode.OK);
        foreach (var (after, days) in new[] { ("PT24H", 1), ("P365D", 365) })
        {
            var id = await api.NewKey();
            var key = (await api.Post($"/v1/keys/{id}/schedule-deletion", new { after })).Is(HttpStatusCode.OK).Json;
            Assert.Equal("pending_deletion", (string)key["state"]!);
            Assert.InRange((DateTime)key["deletion_at"]! - DateTime.UtcNow, TimeSpan.FromDays(days) - TimeSpan.FromHours(1), TimeSpan.FromDays(days));

            var version = (await api.Post($"/v1/keys/{kept}/versions/1/destroy", new { after })).Is(HttpStatusCode.OK).Json["versions"]![0]!;
            Assert.Equal("pending_destruction", (string)version["state"]!);
            Assert.InRange((DateTime)version["destroy_at"]! - DateTime.UtcNow, TimeSpan.FromDays(days) - TimeSpan.FromHours(1), TimeSpan.FromDays(days));
        }

        foreach (var after in new[] { "PT23H59M59S", "P365DT1S" })
        {
            (await api.Post($"/v1/keys/{kept}/schedule-deletion", new { after })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
            (await api.Post($"/v1/keys/{kept}/versions/1/destroy", new { after })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }
    }
}
