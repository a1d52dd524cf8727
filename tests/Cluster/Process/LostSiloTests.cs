namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Silos of a cluster that are killed or frozen, as processes: what they had answers elsewhere.</summary>
public sealed class LostSiloTests
{
    [Fact]
    public async Task KilledSilo_ItsKeysAnswerFromTheOthers_AndNothingAcknowledgedIsLost()
    {
        await using var cluster = await ClusterProcesses.Start(3);
        var (survivor, victim) = (cluster.Processes[0], cluster.Processes[2]);
        var ciphertexts = new Dictionary<string, byte[]>();
        foreach (var id in Enumerable.Range(0, 30).Select(i => $"key-{i}"))
        {
            await victim.Http.Create(id);
            await survivor.Http.Rotate(id);
            ciphertexts[id] = (await victim.Http.Encrypt(id, [7, 7])).Ciphertext;
        }

        await victim.Kill();

        foreach (var (id, ciphertext) in ciphertexts)
        {
            var results = await ClusterProcesses.Until(() => survivor.Http.DecryptAll(id, [ciphertext]));
            Assert.Equal((byte[])[7, 7], Assert.Single(results).Plaintext);
            var key = await ClusterProcesses.Until(() => survivor.Http.Describe(id));
            Assert.Equal(2, key["primary_version"]!.GetValue<int>());
            Assert.True(key["uses"]!["encrypt"]!.GetValue<long>() >= 1);
            await ClusterProcesses.Until(() => survivor.Http.Encrypt(id, [8]));
        }
        await cluster.UntilActive(2);
    }

    [Fact]
    public async Task FrozenSilo_ItsKeysAnswerFromTheOthers_AndWokenItEndsItself()
    {
        await using var cluster = await ClusterProcesses.Start(3);
        var (survivor, victim) = (cluster.Processes[0], cluster.Processes[2]);
        var ids = Enumerable.Range(0, 30).Select(i => $"key-{i}").ToList();
        foreach (var id in ids) await victim.Http.Create(id);

        victim.Freeze();

        foreach (var id in ids) await ClusterProcesses.Until(() => survivor.Http.Encrypt(id, [1]));
        await cluster.UntilActive(2);
        victim.Thaw();
        Assert.NotEqual(0, await victim.Exited());
    }

    [Fact]
    public async Task ClusterThatDiedAsAWhole_ComesBack()
    {
        await using var cluster = await ClusterProcesses.Start(2);
        var (_, ciphertext) = await Created(cluster.Processes[0]);
        foreach (var silo in cluster.Processes) await silo.Kill();

        var again = await cluster.StartSilo(ClusterProcesses.WithGateway);

        Assert.Equal((byte[])[1, 2], Assert.Single(await again.Http.DecryptAll("kept", [ciphertext])).Plaintext);
    }

    private static async Task<(int Version, byte[] Ciphertext)> Created(ServiceProcess silo)
    {
        await silo.Http.Create("kept");
        return await silo.Http.Encrypt("kept", [1, 2]);
    }
}
