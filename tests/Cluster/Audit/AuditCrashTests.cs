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

        // A row that somebody has put back is behind the trail.
        var stale = await Row(directory, "SELECT payload FROM okms_row WHERE row_name = 'key'");
        await using (var changed = await ServiceProcess.Start(directory.Path))
        {
            await changed.Http.Rotate("crash");
            Assert.Equal(0, await changed.Stop());
        }

        var newest = await Row(directory, "SELECT payload FROM okms_row WHERE row_name = 'key'");
        await Row(directory, "UPDATE okms_row SET payload = @payload WHERE row_name = 'key'", stale);
        (code, output, _) = await Command(directory, "audit", "verify", "--database");
        Assert.Equal(1, code);
        Assert.Contains("key crash: its row has revision 1; the trail knows 2", output, StringComparison.Ordinal);
        await Row(directory, "UPDATE okms_row SET payload = @payload WHERE row_name = 'key'", newest);
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

    private static StringContent JsonContent(string json) => new(json, System.Text.Encoding.UTF8, "application/json");

    private static Task<(int Code, string Output, string Errors)> Command(TemporaryDirectory directory, params string[] arguments) =>
        ServiceProcess.Command(directory.Path, arguments, []);
}
