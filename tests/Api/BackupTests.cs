using System.Net;
using System.Text;
using System.Text.Json;

namespace OrleansKms.Tests.Api;

/// <summary>Backups over HTTP, as far as no key has to be lost for it; <see cref="RestoreTests"/> loses some.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class BackupTests(DefaultApi api)
{
    [Fact]
    public async Task Backup_IsSealed_NamesItsKeyAlone_AndIsRecorded()
    {
        var id = await api.NewKey(new { description = "written down", tags = new { team = "pay" } });
        var answer = (await api.Get($"/v1/keys/{id}/backup")).Is(HttpStatusCode.OK);
        Assert.Equal(["backup"], answer.Json.AsObject().Select(p => p.Key));
        var backup = answer.Json["backup"].Deserialize<byte[]>()!;
        Assert.True(backup.AsSpan().StartsWith("okmb\u0001"u8));
        Assert.Equal(id, Encoding.ASCII.GetString(backup, 38, backup[37]));
        Assert.Equal(-1, backup.AsSpan().IndexOf("written down"u8));
        Assert.Equal(-1, backup.AsSpan().IndexOf("AES_256_GCM"u8));
        Assert.NotEqual(backup, (await api.Get($"/v1/keys/{id}/backup")).Json["backup"].Deserialize<byte[]>());

        // By an alias it is the same key's.
        (await api.Put("/v1/aliases/" + id, new { key_id = id })).Is(HttpStatusCode.OK);
        Assert.Equal(id, Encoding.ASCII.GetString((await api.Get($"/v1/keys/alias:{id}/backup")).Json["backup"].Deserialize<byte[]>()!, 38, id.Length));
        (await Restore(backup)).Is(HttpStatusCode.Conflict, "key_exists");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var told = (await api.Get($"/v1/audit?key={id}")).Is(HttpStatusCode.OK).Json["records"]!.AsArray().Select(r => ((string)r!["action"]!, (string)r["outcome"]!)).ToList();
            if (told.Contains(("keys:restore", "key_exists")))
            {
                Assert.Equal(3, told.Count(one => one == ("keys:backup", "ok")));
                break;
            }

            await Task.Delay(50, patience.Token);
        }
    }

    [Fact]
    public async Task Restore_OfWhatIsNoBackup_IsOneError_AndMakesNoKey()
    {
        var id = await api.NewKey();
        var backup = (await api.Get($"/v1/keys/{id}/backup")).Json["backup"].Deserialize<byte[]>()!;
        var missing = Api.NewId();
        byte[] renamed = [.. backup[..37], (byte)missing.Length, .. Encoding.ASCII.GetBytes(missing), .. backup[(38 + id.Length)..]];
        List<byte[]> bad = [[], [0], [.. "okmb"u8], renamed, backup[..38], [.. backup[..37], 0], [.. backup[..37], 255, .. backup[38..]], new byte[4096]];
        for (var at = 0; at < backup.Length; at += 5)
        {
            var changed = renamed.ToArray();
            changed[at % renamed.Length] ^= 0x80;
            bad.Add(changed);
        }

        foreach (var one in bad) (await Restore(one)).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await Restore(new byte[KmsLimits.BackupBytes])).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await Restore(new byte[KmsLimits.BackupBytes + 1])).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await Restore(new byte[2 * KmsLimits.BackupBytes])).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await api.Get("/v1/keys/" + missing)).Is(HttpStatusCode.NotFound, "key_not_found");
        foreach (var body in new[] { "{}", """{"backup":null}""", """{"backup":"A"}""", """{"backup":"b2ttYg==","id":"x"}""", """{"items":[{"backup":"b2ttYg=="}]}""", "[]", "" })
        {
            (await api.PostText("/v1/restore", body)).Is(HttpStatusCode.BadRequest, "invalid_request");
        }

        (await api.Get($"/v1/keys/{id}/backup?version=1")).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Permission_IsForTheKeyThatTheBackupNames_AndARefusalTellsNothing()
    {
        var (mine, other) = (await api.NewKey(), await api.NewKey());
        var name = Api.NewId();
        object[] statements = [new { effect = "allow", actions = new[] { "keys:backup", "keys:restore" }, keys = new[] { mine } }];
        (await api.Put("/v1/policies/" + name, new { statements })).Is(HttpStatusCode.OK);
        (await api.Post("/v1/principals", new { name, policies = new[] { name } })).Is(HttpStatusCode.Created);
        var token = (string)(await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        var (ofMine, ofOther) = ((await api.Get($"/v1/keys/{mine}/backup")).Json["backup"].Deserialize<byte[]>()!, (await api.Get($"/v1/keys/{other}/backup")).Json["backup"].Deserialize<byte[]>()!);
        (await As(token, HttpMethod.Get, $"/v1/keys/{mine}/backup")).Is(HttpStatusCode.OK);
        (await As(token, HttpMethod.Post, "/v1/restore", new { backup = ofMine })).Is(HttpStatusCode.Conflict, "key_exists");
        var missing = Api.NewId();
        byte[] renamed = [.. ofOther[..37], (byte)missing.Length, .. Encoding.ASCII.GetBytes(missing), .. ofOther[(38 + other.Length)..]];
        var refusals = new List<string>();
        foreach (var backup in new[] { ofOther, renamed, [.. ofOther, 0] })
        {
            var answer = (await As(token, HttpMethod.Post, "/v1/restore", new { backup })).Is(HttpStatusCode.Forbidden, "permission_denied");
            var problem = answer.Json.AsObject();
            problem.Remove("request_id");
            refusals.Add(problem.ToJsonString());
        }

        (await As(token, HttpMethod.Get, $"/v1/keys/{other}/backup")).Is(HttpStatusCode.Forbidden, "permission_denied");
        Assert.Single(refusals.Distinct());

        // Who may do it with no key at all is refused before the body is looked at.
        (await api.Put("/v1/policies/" + name, new { statements = new[] { new { effect = "allow", actions = new[] { "use" }, keys = new[] { "*" } } } })).Is(HttpStatusCode.OK);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((await As(token, HttpMethod.Post, "/v1/restore", new { backup = ofMine })).Status != HttpStatusCode.Forbidden) await Task.Delay(50, patience.Token);
        (await As(token, HttpMethod.Post, "/v1/restore", new { nothing = 1 })).Is(HttpStatusCode.Forbidden, "permission_denied");
    }

    [Fact]
    public async Task States_ThatHaveNoBackup_AreRefused()
    {
        var external = await api.NewKey(new { origin = "external" });
        (await api.Get($"/v1/keys/{external}/backup")).Is(HttpStatusCode.Conflict, "key_pending_import");
        var doomed = await api.NewKey();
        var backup = (await api.Get($"/v1/keys/{doomed}/backup")).Json["backup"].Deserialize<byte[]>()!;
        (await api.Post($"/v1/keys/{doomed}/schedule-deletion")).Is(HttpStatusCode.OK);
        (await api.Get($"/v1/keys/{doomed}/backup")).Is(HttpStatusCode.Conflict, "key_pending_deletion");
        (await api.Post($"/v1/keys/{doomed}/cancel-deletion")).Is(HttpStatusCode.OK);
        (await api.Get($"/v1/keys/{doomed}/backup")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{doomed}/schedule-deletion", new { after = "PT0S" })).Is(HttpStatusCode.OK);
        while ((string)(await api.Get("/v1/keys/" + doomed)).Json["state"]! != "destroyed")
        {
            // The deletion is due, and done by whoever looks at the key first.
        }

        (await api.Get($"/v1/keys/{doomed}/backup")).Is(HttpStatusCode.Conflict, "key_destroyed");
        (await Restore(backup)).Is(HttpStatusCode.Conflict, "key_destroyed");
    }

    private Task<Answer> Restore(byte[] backup) => api.Post("/v1/restore", new { backup });

    private async Task<Answer> As(string token, HttpMethod method, string path, object? body = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent(body) };
        request.Headers.Add("Authorization", "Bearer " + token);
        return await api.Send(request);
    }

    private static StringContent JsonContent(object body) => new(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
}
