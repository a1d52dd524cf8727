using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Api;

/// <summary>
/// Keys of every spec and usage that are lost, while a service of its own is stopped, and restored over HTTP: what they made before is good,
/// and what they make is of a new version.
/// </summary>
public sealed partial class RestoreTests : IAsyncLifetime
{
    private readonly LossyApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task EveryFamily_OfKeysThatWereLost_IsRestored()
    {
        var keys = new List<(string Id, KeySpec Spec, KeyUsage Usage, JsonObject? Made, string Backup)>();
        foreach (var spec in KeySpec.All.GroupBy(spec => Family().Match(spec.Name).Value).Select(family => family.First()))
        {
            foreach (var usage in spec.Usages)
            {
                var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(usage.ToString());
                var id = await _api.NewKey(new { spec = spec.Name, usage = name, description = "of " + spec.Name });
                var made = await Use(id, usage);
                keys.Add((id, spec, usage, made, (string)(await _api.Get($"/v1/keys/{id}/backup")).Is(HttpStatusCode.OK).Json["backup"]!));
            }
        }

        Assert.True(keys.Select(key => key.Usage).Distinct().Count() > 3);
        await _api.Lose([.. keys.Select(key => key.Id)]);
        foreach (var (id, spec, usage, made, backup) in keys)
        {
            (await _api.Get("/v1/keys/" + id)).Is(HttpStatusCode.NotFound, "key_not_found");
            var key = (await _api.Post("/v1/restore", new { backup })).Is(HttpStatusCode.OK).Json;
            Assert.Equal((id, spec.Name, "enabled", "of " + spec.Name), ((string)key["id"]!, (string)key["spec"]!, (string)key["state"]!, (string)key["description"]!));
            var primary = (int)key["primary_version"]!;
            Assert.Equal([1, primary], key["versions"]!.AsArray().Select(v => (int)v!["version"]!));
            Assert.True(primary > KmsLimits.Versions, $"{spec.Name}: {primary}");
            await IsGood(id, usage, made);
            if (await Use(id, usage) is { } again)
            {
                Assert.Equal((spec.Name, primary), (spec.Name, (int)again["key_version"]!));
                await IsGood(id, usage, again);
            }

            (await _api.Post("/v1/restore", new { backup })).Is(HttpStatusCode.Conflict, "key_exists");
            var history = (await _api.Get($"/v1/keys/{id}/history")).Is(HttpStatusCode.OK).Json;
            Assert.True((bool)history["verified"]!);
            Assert.Equal(["keys:restore"], history["events"]!.AsArray().Select(e => (string)e!["action"]!));
        }
    }

    /// <summary>What the key makes; null for a usage that this test cannot use.</summary>
    private async Task<JsonObject?> Use(string id, KeyUsage usage) => usage switch
    {
        KeyUsage.EncryptDecrypt => await Made($"/v1/keys/{id}/encrypt", new { plaintext = "AQID" }),
        KeyUsage.SignVerify => await Made($"/v1/keys/{id}/sign", new { message = "AQID" }),
        KeyUsage.Jws => await Made($"/v1/keys/{id}/jws", new { claims = new { sub = "alice" } }),
        KeyUsage.Mac => await Made($"/v1/keys/{id}/mac", new { message = "AQID" }),
        KeyUsage.KeyAgreement => await Agreed(id),
        KeyUsage.Derive => await Made($"/v1/keys/{id}/derive", new { context = "AQID" }),
        _ => null,
    };

    private async Task IsGood(string id, KeyUsage usage, JsonObject? made)
    {
        switch (usage)
        {
            case KeyUsage.EncryptDecrypt:
                Assert.Equal("AQID", (string)(await Made($"/v1/keys/{id}/decrypt", new { ciphertext = (string)made!["ciphertext"]! }))["plaintext"]!);
                break;
            case KeyUsage.SignVerify:
                Assert.True((bool)(await Made($"/v1/keys/{id}/verify", new { message = "AQID", signature = (string)made!["signature"]! }))["valid"]!);
                break;
            case KeyUsage.Mac:
                Assert.True((bool)(await Made($"/v1/keys/{id}/mac/verify", new { message = "AQID", mac = (string)made!["mac"]! }))["valid"]!);
                break;
            case KeyUsage.KeyAgreement:
                Assert.Equal((string)made!["derived"]!, (string)(await Made($"/v1/keys/{id}/derive", new { public_key = (string)made["peer"]!, key_version = (int)made["key_version"]! }))["derived"]!);
                break;
            case KeyUsage.Derive:
                Assert.Equal((string)made!["derived"]!, (string)(await Made($"/v1/keys/{id}/derive", new { context = "AQID", key_version = (int)made["key_version"]! }))["derived"]!);
                break;
        }
    }

    private async Task<JsonObject> Agreed(string id)
    {
        var peer = (string)(await _api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json["public_key"]!;
        var made = await Made($"/v1/keys/{id}/derive", new { public_key = peer });
        made["peer"] = peer;
        return made;
    }

    // RSA and SLH-DSA of other sizes take seconds to make, and are stored alike.
    [GeneratedRegex("^[A-Z]+(_[A-Z]+)*")]
    private static partial Regex Family();

    private async Task<JsonObject> Made(string path, object body) => (await _api.Post(path, body)).Is(HttpStatusCode.OK).Json.AsObject();

    /// <summary>A service whose database is changed while it is stopped.</summary>
    private sealed class LossyApi : Api;
}
