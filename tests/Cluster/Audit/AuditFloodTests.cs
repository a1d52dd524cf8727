using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Audit;

/// <summary>A flood of requests over HTTP, with the trail on a small disk that fills up and has room again.</summary>
public sealed class AuditFloodTests
{
    private const int Clients = 16;
    private const int Wanted = 3_000;

    [SmallDiskFact]
    public async Task EveryAnswerIsInTheTrail_ThroughAFullDisk_OfWhichHealthTells_AndWhichEndsByItself()
    {
        using var disk = new SmallDisk(mebibytes: 16);
        using var directory = new TemporaryDirectory();
        (string, string?)[] settings = [("OKMS_AUDIT", "blocking"), ("OKMS_AUDIT_DIR", disk.Of("audit"))];
        var answers = new ConcurrentDictionary<string, (string Action, string Outcome)>();
        await using (var service = await ServiceProcess.Start(directory.Path, settings))
        {
            await service.Http.Create("flood");
            var ciphertext = Convert.ToBase64String((await service.Http.Encrypt("flood", [1])).Ciphertext);
            using var over = new CancellationTokenSource();
            var unavailable = 0;
            var clients = Enumerable.Range(0, Clients).Select(Flood).ToList();
            await Until(() => answers.Count >= Wanted);

            disk.Fill();
            await Until(() => Volatile.Read(ref unavailable) >= 10 * Clients);
            Assert.Equal("unhealthy", await Health("/health"));
            Assert.Equal("unhealthy", await Health("/health/ready"));

            // Nobody asks for anything any more, and it recovers all the same.
            await over.CancelAsync();
            await Task.WhenAll(clients);
            disk.Free();
            await service.UntilHealthy();
            await service.Until("/health/ready");
            var after = answers.Count;
            await Ask("encrypt", """{"plaintext":"AQ=="}""", "keys:encrypt");
            Assert.Equal(after + 1, answers.Count);
            Assert.Equal(0, await service.Stop());

            async Task Flood(int client)
            {
                for (var i = client; !over.IsCancellationRequested; i++)
                {
                    await ((i % 4) switch
                    {
                        0 => Ask("encrypt", """{"plaintext":"AQ=="}""", "keys:encrypt"),
                        1 => Ask("decrypt", $$"""{"ciphertext":"{{ciphertext}}"}""", "keys:decrypt"),
                        2 => Ask("decrypt", $$"""{"ciphertext":"{{ciphertext}}","associated_data":"AQ=="}""", "keys:decrypt"),
                        _ => Ask("encrypt", """{"plaintext":"AQ==","unknown":1}""", "keys:encrypt"),
                    });
                }
            }

            async Task Ask(string verb, string body, string action)
            {
                var id = Guid.NewGuid().ToString("N");
                using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/keys/flood/{verb}")
                {
                    Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
                };
                request.Headers.Add("X-Request-Id", id);
                using var answer = await service.Http.SendAsync(request);
                var text = await answer.Content.ReadAsStringAsync();
                var code = answer.IsSuccessStatusCode ? "ok" : (string)JsonNode.Parse(text)!["code"]!;
                if (code == "audit_unavailable")
                {
                    Assert.Equal(503, (int)answer.StatusCode);
                    Interlocked.Increment(ref unavailable);
                }
                else
                {
                    answers[id] = (action, code);
                }
            }

            async Task Until(Func<bool> isSo)
            {
                using var patience = new CancellationTokenSource(ServiceProcess.Patience);
                while (!isSo())
                {
                    if (clients.Find(client => client.IsFaulted) is { } failed) await failed;
                    Assert.False(patience.IsCancellationRequested, $"{answers.Count} answers, {unavailable} refused.\n{service}");
                    await Task.Delay(20);
                }
            }

            async Task<string> Health(string path)
            {
                using var answer = await service.Http.GetAsync(path);
                Assert.Equal(503, (int)answer.StatusCode);
                var health = await answer.Content.ReadFromJsonAsync<JsonObject>();
                Assert.Equal("unhealthy", (string)health!["checks"]!["audit"]!);
                Assert.Equal("healthy", (string)health["checks"]!["database"]!);
                return (string)health["status"]!;
            }
        }

        var (code, output, errors) = await ServiceProcess.Command(directory.Path, ["audit", "verify", "--database"], settings);
        Assert.True(code == 0, output + errors);
        Assert.Contains(": ok: ", output, StringComparison.Ordinal);
        var records = Directory.GetFiles(Path.Combine(Assert.Single(Directory.GetDirectories(disk.Of("audit"))), "records"))
            .SelectMany(File.ReadLines).Select(line => JsonNode.Parse(line)!)
            .ToLookup(record => (string?)record["request_id"] ?? "", record => ((string)record["action"]!, (string)record["outcome"]!));
        Assert.All(answers, answer => Assert.Equal(answer.Value, Assert.Single(records[answer.Key])));
        Assert.Equal(["invalid_ciphertext", "invalid_request", "ok"], answers.Values.Select(answer => answer.Outcome).Distinct().Order(StringComparer.Ordinal));
        Assert.Contains(records.SelectMany(record => record), record => record == ("audit-resume", "ok"));
    }
}
