using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>What SIGTERM keeps that a kill does not: the exact counters.</summary>
public sealed class GracefulStopTests
{
    [Fact]
    public async Task Stopped_CountersAreExact()
    {
        using var directory = new TemporaryDirectory();
        await using (var service = await ServiceProcess.Start(directory.Path))
        {
            await service.Http.Create("counted");
            await Encrypt(service.Http, "counted", 37);
            await service.Http.Rotate("counted");
            await Encrypt(service.Http, "counted", 5);
            Assert.Equal(0, await service.Stop());
            Assert.Empty(service.Errors);
        }
        await using var again = await ServiceProcess.Start(directory.Path);
        var description = await again.Http.Describe("counted");
        Assert.Equal(42, description["uses"]!["encrypt"]!.GetValue<long>());
        Assert.Equal([(1, 37L), (2, 5L)], description["versions"]!.AsArray().Select(UsesOf).Order());
    }

    [Fact]
    public async Task Stopped_RequestsInFlightAreAnswered()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path);
        await service.Http.Create("busy");
        var flowing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clients = Enumerable.Range(0, 4).Select(_ => EncryptUntilRefused(service.Http, flowing)).ToArray();
        await flowing.Task;
        Assert.Equal(0, await service.Stop());
        var acknowledged = (await Task.WhenAll(clients)).Sum();

        await using var again = await ServiceProcess.Start(directory.Path);
        var description = await again.Http.Describe("busy");
        // A connection may break between the counting and the answer, so a few may be counted that no client saw.
        Assert.InRange(description["uses"]!["encrypt"]!.GetValue<long>(), acknowledged, acknowledged + clients.Length);
    }

    private static (int Version, long Uses) UsesOf(JsonNode? version) =>
        (version!["version"]!.GetValue<int>(), version["uses"]!.GetValue<long>());

    private static async Task Encrypt(HttpClient http, string id, int times)
    {
        for (var i = 0; i < times; i++) await http.Encrypt(id, [1]);
    }

    private static async Task<int> EncryptUntilRefused(HttpClient http, TaskCompletionSource flowing)
    {
        for (var count = 0; ; count++)
        {
            try
            {
                await http.Encrypt("busy", [1]);
                if (count == 100) flowing.TrySetResult();
            }
            catch (HttpRequestException)
            {
                return count;
            }
        }
    }
}
