using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>kill -9 while many keys are created at once, so in the middle of batches of rows: a key is whole or not there.</summary>
public sealed class BulkCrashTests
{
    private const int Clients = 12;
    private const int Items = 40;
    private const int Enough = 600;

    private readonly ConcurrentDictionary<string, bool> _acknowledged = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task KilledInTheMiddle_OnSqlite_LosesNothingAcknowledged()
    {
        using var directory = new TemporaryDirectory();
        await using (var service = await ServiceProcess.Start(directory.Path)) await CreateUntilKilled(service);
        await using var again = await ServiceProcess.Start(directory.Path);
        await Verify(again.Http);
    }

    [Fact]
    public async Task KilledInTheMiddle_OnPostgres_LosesNothingAcknowledged()
    {
        await using var cluster = await ClusterProcesses.Start(silos: 1);
        await CreateUntilKilled(cluster.Processes[0]);
        await Verify((await cluster.StartSilo(ClusterProcesses.WithGateway)).Http);
    }

    private async Task CreateUntilKilled(ServiceProcess service)
    {
        var clients = Enumerable.Range(0, Clients).Select(client => Create(service.Http, client)).ToArray();
        var first = await Task.WhenAny([_enough.Task, .. clients]);
        Assert.True(first == _enough.Task, $"{first.Exception?.InnerException}\n{service}");
        await service.Kill();
        await Task.WhenAll(clients);
    }

    private async Task Create(HttpClient http, int client)
    {
        try
        {
            for (var round = 0; ; round++)
            {
                string[] ids = [.. Enumerable.Range(0, Items).Select(item => $"c{client}.r{round}.i{item}")];
                foreach (var id in ids) _acknowledged[id] = false;
                var answer = await http.Post("/v1/keys", new JsonObject { ["items"] = new JsonArray([.. ids.Select(id => new JsonObject { ["id"] = id })]) });
                foreach (var result in answer["results"]!.AsArray())
                {
                    Assert.Null(result!["error"]);
                    _acknowledged[(string)result["id"]!] = true;
                }

                if (_acknowledged.Count(key => key.Value) >= Enough) _enough.TrySetResult();
            }
        }
        catch (HttpRequestException)
        {
            // The service is dead, which is what was wanted.
        }
    }

    private async Task Verify(HttpClient http)
    {
        var there = new List<string>();
        foreach (var ids in _acknowledged.Keys.Chunk(KmsLimits.ValidatedKeys))
        {
            foreach (var (id, error) in await Validate(http, ids))
            {
                if (_acknowledged[id]) Assert.Null(error);
                else Assert.True(error is null or "key_not_found", $"{id}: {error}");
                if (error is null) there.Add(id);
            }
        }

        // What is there has its counters as well as its material, and what is not can still be created.
        foreach (var id in there.Where(id => !_acknowledged[id]).Take(50)) Assert.Equal(1, (await http.Encrypt(id, [1])).Version);
        foreach (var id in _acknowledged.Keys.Except(there).Take(50)) await http.Create(id);
    }

    /// <summary>Asks until the cluster knows that the silo is dead which had the keys.</summary>
    private static async Task<List<(string Id, string? Error)>> Validate(HttpClient http, string[] ids)
    {
        var results = new List<(string, string?)>();
        for (var asked = ids; asked.Length > 0;)
        {
            var answer = await ClusterProcesses.Until(() => http.Post(
                "/v1/keys/validate", new JsonObject { ["ids"] = new JsonArray([.. asked.Select(id => JsonValue.Create(id))]) }));
            var answered = answer["results"]!.AsArray().Select(result => (Id: (string)result!["id"]!, Error: (string?)result["error"]?["code"]))
                .Where(result => result.Error is not ("unavailable" or "timeout")).ToList();
            results.AddRange(answered);
            asked = [.. asked.Except(answered.Select(result => result.Id))];
        }

        return results;
    }
}
