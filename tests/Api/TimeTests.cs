using System.Net;
using Microsoft.Data.Sqlite;

namespace OrleansKms.Tests.Api;

/// <summary>A service that is short of patience.</summary>
public sealed class ImpatientApi : Api
{
    public ImpatientApi()
        : base(("OKMS_REQUEST_TIMEOUT", "PT1S"))
    {
    }
}

/// <summary>Too slow a client, and too slow a database.</summary>
public sealed class TimeTests(ImpatientApi api) : IClassFixture<ImpatientApi>
{
    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n{\"key_id\"")]
    [InlineData("Content-Length: 100\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\n{\"key")]
    public async Task Body_ThatDoesNotArrive_IsRequestTimeout(string rest)
    {
        var id = Api.NewId();
        using var raw = await RawHttp.Connect(api.Port);
        await raw.Send($"POST /encrypt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.Token}\r\nX-Request-Id: {id}\r\nContent-Type: application/json\r\n{rest}");
        // The connection is closed, since what else comes on it would be the rest of this body.
        var answer = await raw.ReadToEnd();
        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"request_timeout\"", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close", answer, StringComparison.Ordinal);

        // A slow client is no matter for whoever watches the log.
        await api.Service.UntilSaid(id);
        var said = Assert.Single(api.Service.Output, line => line.Contains(id, StringComparison.Ordinal));
        Assert.Contains("request_timeout", said, StringComparison.Ordinal);
        Assert.DoesNotContain("\"level\":\"error\"", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_ThatDoesNotAnswerInTime_IsTimeout()
    {
        // A machine that is busy may be too slow for a create, too; the key is there then all the same.
        var id = Api.NewId();
        while ((await api.Post("/v1/keys", new { id })).Status == HttpStatusCode.GatewayTimeout)
        {
        }

        using var database = await Locked(api);
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.GatewayTimeout, "timeout");
    }

    /// <summary>Making such a key takes longer than this service waits, less what a commit may take: so it is never begun to be written.</summary>
    [Theory]
    [InlineData("sign_verify")]
    [InlineData("encrypt_decrypt")]
    public async Task KeyThatCannotBeMadeInTime_IsTimeout_AndIsNotThere(string usage)
    {
        var id = Api.NewId();
        (await api.Post("/v1/keys", new { id, spec = "RSA_4096", usage })).Is(HttpStatusCode.GatewayTimeout, "timeout");
        (await Patiently(() => api.Get("/v1/keys/" + id))).Is(HttpStatusCode.NotFound, "key_not_found");
        Assert.Empty((await Patiently(() => api.Get($"/v1/keys?prefix={id}&destroyed=true"))).Is(HttpStatusCode.OK).Json["keys"]!.AsArray());

        // Its id is free.
        await Patiently(() => api.Post("/v1/keys", new { id }));
        Assert.Equal("AES_256_GCM", (string)(await Patiently(() => api.Get("/v1/keys/" + id))).Is(HttpStatusCode.OK).Json["spec"]!);
    }

    // A machine that does much else may be too slow for anything.
    private static async Task<Answer> Patiently(Func<Task<Answer>> call)
    {
        while (true)
        {
            var answer = await call();
            if (answer.Status != HttpStatusCode.GatewayTimeout) return answer;
        }
    }

    /// <summary>Holds the database's write lock until disposed.</summary>
    internal static async Task<SqliteConnection> Locked(Api api)
    {
        var path = Path.Combine(api.Service.DataDirectory, "kms.db");
        var database = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        await database.OpenAsync();
        using var begin = database.CreateCommand();
        begin.CommandText = "BEGIN IMMEDIATE";
        await begin.ExecuteNonQueryAsync();
        return database;
    }
}

/// <summary>A service that waits for longer than the database does.</summary>
public sealed class PatientApi : Api
{
    public PatientApi()
        : base(("OKMS_REQUEST_TIMEOUT", "PT30S"))
    {
    }
}

/// <summary>Failures of what lies below.</summary>
public sealed class StorageTests(PatientApi api) : IClassFixture<PatientApi>
{
    [Fact]
    public async Task Database_ThatCannotBeWritten_IsStorageUnavailable()
    {
        var id = await api.NewKey();
        var ciphertext = await api.Encrypt(id, [1]);
        using (await TimeTests.Locked(api))
        {
            var answer = (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.ServiceUnavailable, "storage_unavailable");
            Assert.NotEqual("", answer.Header("Retry-After"));
        }

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Row_ThatWasChanged_IsKeyCorrupted_AndHarmsNoOther()
    {
        var (broken, whole) = (await api.NewKey(), await api.NewKey());
        await api.Restart(() => Spoil(Path.Combine(api.Service.DataDirectory, "kms.db"), broken));
        (await api.Get("/v1/keys/" + broken)).Is(HttpStatusCode.InternalServerError, "key_corrupted");
        (await api.Post($"/v1/keys/{broken}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.InternalServerError, "key_corrupted");
        await api.Encrypt(whole, [1]);
        var listed = (await api.Get("/v1/keys?describe=true")).Is(HttpStatusCode.OK).Json["keys"]!.AsArray();
        Assert.Equal("key_corrupted", (string)listed.Single(k => (string)k!["id"]! == broken)!["error"]!["code"]!);
        Assert.Equal("enabled", (string)listed.Single(k => (string)k!["id"]! == whole)!["state"]!);
        var results = (await api.Post("/v1/keys/validate", new { ids = new[] { broken, whole } })).Json["results"]!.AsArray();
        Assert.Equal(["key_corrupted", null], results.Select(r => (string?)r!["error"]?["code"]));
    }

    [Fact]
    public async Task AliasRow_ThatWasChanged_IsKeyCorrupted_AndHidesNoOther()
    {
        var (key, prefix) = (await api.NewKey(), Api.NewId() + ".");
        foreach (var name in new[] { "a", "b", "c" })
        {
            (await api.Put("/v1/aliases/" + prefix + name, new { key_id = key })).Is(HttpStatusCode.OK);
        }

        await api.Restart(() => Spoil(Path.Combine(api.Service.DataDirectory, "kms.db"), prefix + "b", "alias"));
        (await api.Get($"/v1/aliases/{prefix}b")).Is(HttpStatusCode.InternalServerError, "key_corrupted");
        var page = (await api.Get($"/v1/aliases?prefix={prefix}&limit=2")).Is(HttpStatusCode.OK).Json;
        var listed = page["aliases"]!.AsArray();
        Assert.Equal([prefix + "a", prefix + "b"], listed.Select(a => (string)a!["name"]!));
        Assert.Equal(key, (string)listed[0]!["key_id"]!);
        Assert.Equal(["name", "error"], listed[1]!.AsObject().Select(p => p.Key));
        Assert.Equal("key_corrupted", (string)listed[1]!["error"]!["code"]!);
        page = (await api.Get($"/v1/aliases?prefix={prefix}&limit=2&cursor={(string)page["next_cursor"]!}")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(prefix + "c", (string)Assert.Single(page["aliases"]!.AsArray())!["name"]!);
    }

    private static void Spoil(string path, string id, string row = "key")
    {
        using var database = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        database.Open();
        using var command = database.CreateCommand();
        command.CommandText = "SELECT payload FROM okms_row WHERE row_name = $row AND grain_key = $id";
        command.Parameters.AddWithValue("$row", row);
        command.Parameters.AddWithValue("$id", "=" + id);
        var payload = (byte[])command.ExecuteScalar()!;
        // Of the last section's tag.
        payload[^1] ^= 1;
        command.CommandText = "UPDATE okms_row SET payload = $payload WHERE row_name = $row AND grain_key = $id";
        command.Parameters.AddWithValue("$payload", payload);
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
