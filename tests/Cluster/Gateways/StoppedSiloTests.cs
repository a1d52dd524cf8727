using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>Silos that stop while others go on, under load: keys move, and each counts what was done with it, no more and no less.</summary>
[Collection(TwoGatewaysCollection.Name)]
public sealed class StoppedSiloTests(TwoGateways service)
{
    private const int Clients = 8;
    private const int Keys = 24;

    [Fact]
    public async Task EverySiloStoppedUnderLoad_NoRequestFails_AndEachKeyCountsExactly()
    {
        var prefix = "stopped-" + Guid.NewGuid().ToString("N");
        var keys = Enumerable.Range(0, Keys).Select(i => new Counted($"{prefix}-{i}")).ToList();
        await Task.WhenAll(keys.Select(key => service.First.Http.Create(key.Id)));
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients)
            .Select(client => Use(client % 2 == 0 ? service.First : service.Second, keys, new Random(client), stop.Token))
            .ToList();
        await UntilAll(keys, clients, uses: 10);

        await service.ReplaceSilos();

        await UntilAll(keys, clients, uses: keys.Max(key => key.Encrypted) + 5);
        await stop.CancelAsync();
        await Task.WhenAll(clients);
        foreach (var key in keys)
        {
            var uses = (await service.Second.Http.Describe(key.Id))["uses"]!;
            Assert.Equal((key.Id, key.Encrypted, key.Decrypted), (key.Id, (long)uses["encrypt"]!, (long)uses["decrypt"]!));
        }
    }

    private static async Task Use(ServiceProcess gateway, List<Counted> keys, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var key = keys[random.Next(keys.Count)];
            var (_, ciphertext) = await gateway.Http.Encrypt(key.Id, [1, 2, 3]);
            Interlocked.Increment(ref key.Encrypted);
            if (random.Next(3) > 0) continue;
            Assert.Equal((byte[])[1, 2, 3], Assert.Single(await gateway.Http.DecryptAll(key.Id, [ciphertext])).Plaintext);
            Interlocked.Increment(ref key.Decrypted);
        }
    }

    private static async Task UntilAll(List<Counted> keys, List<Task> clients, long uses)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (keys.Exists(key => Interlocked.Read(ref key.Encrypted) < uses))
        {
            // A client ends only by a failure.
            foreach (var ended in clients.Where(client => client.IsCompleted)) await ended;
            await Task.Delay(10, patience.Token);
        }
    }

    private sealed class Counted(string id)
    {
        public long Decrypted;
        public long Encrypted;

        public string Id { get; } = id;
    }
}
