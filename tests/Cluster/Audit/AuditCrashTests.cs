using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Audit;

/// <summary>A real process that is killed under load: every answered operation is in the trail, which verifies and goes on.</summary>
public sealed class AuditCrashTests
{
    [Fact]
    public async Task KilledUnderLoad_EveryAnsweredOperationIsInTheTrail_AndItGoesOn()
    {
        using var directory = new TemporaryDirectory();
        var answered = new ConcurrentBag<string>();
        for (var kill = 0; kill < 2; kill++)
        {
            await using var service = await ServiceProcess.Start(directory.Path, ("OKMS_AUDIT", "blocking"));
            if (kill == 0) await service.Http.Create("crash");
            var wanted = answered.Count + 500;
            using var killed = new CancellationTokenSource();
            var clients = Enumerable.Range(0, 16).Select(_ => Load(service, answered, killed.Token)).ToList();
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            while (answered.Count < wanted)
            {
                Assert.False(patience.IsCancellationRequested, $"{answered.Count} of {wanted} were answered.\n{service}");
                Assert.All(clients, client => Assert.False(client.IsFaulted, $"{client.Exception}"));
                await Task.Yield();
            }

            await service.Kill();
            await killed.CancelAsync();
            await Task.WhenAll(clients);
        }

        var (code, output, errors) = await Command(directory, "audit", "verify", "--database");
        Assert.True(code == 0, output + errors);
        Assert.Contains(": ok: ", output, StringComparison.Ordinal);
        await using (var last = await ServiceProcess.Start(directory.Path, ("OKMS_AUDIT", "blocking")))
        {
            Assert.Equal(0, await last.Stop());
        }

        (code, output, errors) = await Command(directory, "audit", "verify", "--database");
        Assert.True(code == 0, output + errors);
        var log = Assert.Single(Directory.GetDirectories(Path.Combine(directory.Path, "okms-data", "audit")));
        var recorded = Directory.GetFiles(Path.Combine(log, "records")).SelectMany(File.ReadLines)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(record => record.GetProperty("action").GetString() == "keys:encrypt" && record.GetProperty("outcome").GetString() == "ok")
            .Select(record => record.GetProperty("request_id").GetString()!).ToHashSet();
        Assert.All(answered, id => Assert.Contains(id, recorded));

        // By a key and a checkpoint that somebody has kept: good as long as the log only grew.
        var kept = Path.Combine(directory.Path, "kept");
        File.Copy(Path.Combine(log, "checkpoint"), kept);
        var vkey = (await File.ReadAllTextAsync(Path.Combine(log, "log.vkey"))).Trim();
        (code, output, errors) = await Command(directory, "audit", "verify", "--log", log, "--key", vkey, "--checkpoint", kept);
        Assert.True(code == 0 && output.Contains(": ok: ", StringComparison.Ordinal), output + errors);
        var cut = Path.Combine(directory.Path, "cut", Path.GetFileName(log));
        CopyAll(log, cut);
        var lines = await File.ReadAllLinesAsync(Directory.GetFiles(Path.Combine(cut, "records")).Single());
        await File.WriteAllTextAsync(Directory.GetFiles(Path.Combine(cut, "records")).Single(), string.Concat(lines[..^2].Select(line => line + "\n")));
        (code, output, errors) = await Command(directory, "audit", "verify", "--log", cut, "--key", vkey, "--checkpoint", kept);
        Assert.True(code == 1 && output.Contains(": cut-off: ", StringComparison.Ordinal), output + errors);
        Assert.Equal(2, (await Command(directory, "audit", "verify", "--log", log, "--key", "no key")).Code);

        // A row that somebody has put back is behind the trail.
        var (stale, unasked) = (await Row(directory, OfKey("SELECT payload FROM okms_row", "crash")), default(object));
        await using (var changed = await ServiceProcess.Start(directory.Path))
        {
            await changed.Http.Post("/v1/keys", new()
            {
                ["id"] = "guarded",
                ["approval"] = new System.Text.Json.Nodes.JsonObject { ["operations"] = new System.Text.Json.Nodes.JsonArray("rotate"), ["required"] = 1, ["approvers"] = new System.Text.Json.Nodes.JsonArray("*") },
            });
            unasked = await Row(directory, OfKey("SELECT payload FROM okms_row", "guarded"));

            // What waits for approval is a change of the row, too; and a killed silo has not moved its last records to the files yet.
            using var asked = await changed.Http.PostAsync("/v1/keys/guarded/rotate", null);
            Assert.Equal(System.Net.HttpStatusCode.Accepted, asked.StatusCode);
            await changed.Http.Rotate("crash");
            await changed.Kill();
        }

        var (newest, waiting) = (await Row(directory, OfKey("SELECT payload FROM okms_row", "crash")), await Row(directory, OfKey("SELECT payload FROM okms_row", "guarded")));
        await Row(directory, OfKey("UPDATE okms_row SET payload = @payload", "crash"), stale);
        await Row(directory, OfKey("UPDATE okms_row SET payload = @payload", "guarded"), unasked);
        (code, output, _) = await Command(directory, "audit", "verify", "--database");
        Assert.Equal(1, code);
        Assert.Contains("key crash: its row has revision 1; the trail knows 2", output, StringComparison.Ordinal);
        Assert.Contains("key guarded: its row has revision 1; the trail knows 2", output, StringComparison.Ordinal);
        await Row(directory, OfKey("UPDATE okms_row SET payload = @payload", "crash"), newest);
        await Row(directory, OfKey("UPDATE okms_row SET payload = @payload", "guarded"), waiting);
        (code, output, errors) = await Command(directory, "audit", "verify", "--database");
        Assert.True(code == 0, output + errors);

        // Somebody gets a proof of one record, and needs nothing else but the key.
        var (_, proof, _) = await Command(directory, "audit", "prove", "--record", "3");
        var file = Path.Combine(directory.Path, "proof");
        await File.WriteAllTextAsync(file, proof);
        var key = (await File.ReadAllTextAsync(Path.Combine(log, "log.vkey"))).Trim();
        (code, output, _) = await Command(directory, "audit", "check", file, "--key", key);
        Assert.Equal((0, true), (code, output.StartsWith("{\"sequence\":3,", StringComparison.Ordinal)));
        await File.WriteAllTextAsync(file, proof.Replace("index 3", "index 4", StringComparison.Ordinal));
        Assert.Equal(1, (await Command(directory, "audit", "check", file, "--key", key)).Code);
    }

    /// <summary>One that takes connections and says nothing.</summary>
    [Fact]
    public async Task WitnessThatHangs_KeepsNoCallWaiting_AndTheTrailIsSigned()
    {
        using var directory = new TemporaryDirectory();
        using var witness = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        witness.Start();

        // Of the curve's base point, since nobody signs.
        byte[] key = [4, 0x58, .. Enumerable.Repeat((byte)0x66, 31)];
        var id = System.Security.Cryptography.SHA256.HashData([.. "witness.example/w\n"u8, .. key])[..4];
        var setting = $"http://127.0.0.1:{((System.Net.IPEndPoint)witness.LocalEndpoint).Port}/w witness.example/w+{Convert.ToHexStringLower(id)}+{Convert.ToBase64String(key)}";
        await using var service = await ServiceProcess.Start(directory.Path, ("OKMS_AUDIT_WITNESS", setting));
        await service.Http.Create("unwitnessed");
        using var asked = await witness.AcceptTcpClientAsync().WaitAsync(ServiceProcess.Patience);
        for (var i = 0; i < 200; i++) await service.Http.Encrypt("unwitnessed", [1]);
        await service.Http.Rotate("unwitnessed");
        Assert.Equal("healthy", (string?)(await service.Http.Send(HttpMethod.Get, "/health"))["status"]);
        Assert.Equal(0, await service.Stop());
        var (code, output, errors) = await Command(directory, "audit", "verify", "--database");
        Assert.True(code == 0 && output.Contains(": ok: ", StringComparison.Ordinal), output + errors);
    }

    private static string OfKey(string statement, string id) => $"{statement} WHERE row_name = 'key' AND grain_key = '={id}'";

    private static async Task<object?> Row(TemporaryDirectory directory, string text, object? payload = null)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(directory.Path, "okms-data", "kms.db")};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = text;
        if (payload is not null) command.Parameters.AddWithValue("@payload", payload);
        return await command.ExecuteScalarAsync();
    }

    private static async Task Load(ServiceProcess service, ConcurrentBag<string> answered, CancellationToken killed)
    {
        while (!killed.IsCancellationRequested)
        {
            var id = Guid.NewGuid().ToString("N");
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/keys/crash/encrypt", UriKind.Relative))
            {
                Content = JsonContent("{\"plaintext\":\"AAAA\"}"),
            };
            request.Headers.Add("X-Request-Id", id);
            try
            {
                using var response = await service.Http.SendAsync(request, killed);
                if (response.IsSuccessStatusCode) answered.Add(id);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                return;
            }
        }
    }

    private static void CopyAll(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private static StringContent JsonContent(string json) => new(json, System.Text.Encoding.UTF8, "application/json");

    private static Task<(int Code, string Output, string Errors)> Command(TemporaryDirectory directory, params string[] arguments) =>
        ServiceProcess.Command(directory.Path, arguments, []);
}
