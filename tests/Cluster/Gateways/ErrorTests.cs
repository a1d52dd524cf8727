using System.Net.Http.Json;
using System.Text.Json.Nodes;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>Errors that no request brings about by itself, as callers of HTTP see them.</summary>
public sealed class ErrorTests(OneSiloAndAGateway cluster) : IClassFixture<OneSiloAndAGateway>
{
    private readonly string _key = "k" + Guid.NewGuid().ToString("N");

    public static TheoryData<string> Codes => [.. KmsError.All.Keys];

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task GrainsError_ReachesTheCaller_AsItsProblem(string code)
    {
        using var answer = await cluster.Gateway.Http.GetAsync($"/change/{_key}/{code}/1");
        await IsProblem(answer, KmsError.All[code]);
    }

    [Fact]
    public async Task SiloThatHasTooMuchToDo_IsOverloaded()
    {
        using var answer = await cluster.Gateway.Http.GetAsync($"/change/{_key}/busy/1");
        await IsProblem(answer, KmsError.Overloaded);
    }

    [Fact]
    public async Task KeyAtTheLimitOfItsAlgorithm_IsExhausted()
    {
        // The limit cannot be reached by encrypting, and a key that can rotate does so long before.
        await cluster.Gateway.Http.Create(_key);
        await Rewrite<KeyUsageRow>(RowNames.KeyUsage, row => row with { Versions = [new(1, 1L << 32, 0, 0, 0, null)] });
        await Rewrite<KeyRow>(RowNames.Key, row => row with { Origin = KeyOrigin.External });
        await EncryptIs(KmsError.KeyExhausted);
    }

    [Fact]
    public async Task KeyOfAnotherUsage_DoesNotEncrypt()
    {
        await cluster.Gateway.Http.Create(_key);
        await Rewrite<KeyRow>(RowNames.Key, row => row with { Usage = KeyUsage.SignVerify });
        await EncryptIs(KmsError.WrongKeyUsage);
    }

    private async Task EncryptIs(KmsError error)
    {
        using var answer = await cluster.Gateway.Http.PostAsJsonAsync($"/v1/keys/{_key}/encrypt", new { plaintext = "AQ==" });
        await IsProblem(answer, error);
    }

    private static async Task IsProblem(HttpResponseMessage answer, KmsError error)
    {
        Assert.Equal(error.Status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal(error.Code, (string)problem["code"]!);
        Assert.Equal("urn:orleans-kms:error:" + error.Code, (string)problem["type"]!);
        Assert.Equal(error.Title, (string)problem["title"]!);
        Assert.Equal(error.Status, (int)problem["status"]!);
        Assert.Equal(answer.Headers.GetValues("X-Request-Id").Single(), (string)problem["request_id"]!);
        Assert.Equal(error.Status is 429 or 503, answer.Headers.RetryAfter is not null);
    }

    /// <summary>Changes a row behind the key's back, while no activation has it.</summary>
    private async Task Rewrite<T>(string name, Func<T, T> change)
        where T : Row
    {
        var grain = cluster.Silo.Key(_key).GetGrainId();
        var management = cluster.Silo.Grains.GetGrain<IManagementGrain>(0);
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while ((await management.GetDetailedGrainStatistics()).Any(a => a.GrainId == grain))
        {
            await management.ForceActivationCollection(TimeSpan.Zero);
            await Task.Delay(20, patience.Token);
        }

        var slot = new RowSlot<T>(cluster.Silo.Rows, grain, name);
        await slot.Read();
        await slot.Write(change(slot.Row!));
    }
}
