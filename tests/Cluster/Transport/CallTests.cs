using System.Security.Cryptography;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Calls between silos and clients go through TLS as they would without.</summary>
public sealed class CallTests(TlsCluster cluster) : IClassFixture<TlsCluster>
{
    private const int Grains = 64;

    [Fact]
    public async Task Calls_ReachGrainsOnBothSilos_AndPassBetweenThem()
    {
        var silos = await BySilo();
        foreach (var (from, to) in new[] { (0, 1), (1, 0), (0, 0) })
        {
            var sent = RandomNumberGenerator.GetBytes(1021);
            Assert.Equal(sent, (await cluster.Client.Echo(silos[from]).EchoBy(silos[to], new(sent))).Bytes);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16 * 1024 - 1)]
    [InlineData(16 * 1024 + 1)]
    [InlineData(1 << 20)]
    [InlineData(9_999_991)]
    public async Task Message_OfAnyLength_ArrivesAsItWasSent(int length)
    {
        var silos = await BySilo();
        var sent = RandomNumberGenerator.GetBytes(length);
        var answer = await cluster.Client.Echo(silos[0]).EchoBy(silos[1], new(sent));
        Assert.True(sent.AsSpan().SequenceEqual(answer.Bytes));
    }

    [Fact]
    public async Task ManyCallsAtOnce_AreEachAnsweredWithTheirOwn()
    {
        var silos = await BySilo();
        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(async i =>
        {
            var sent = RandomNumberGenerator.GetBytes(i * 7919 % 40_000);
            var answer = await cluster.Client.Echo($"{i % Grains}").EchoBy(silos[i % 2], new(sent));
            Assert.True(sent.AsSpan().SequenceEqual(answer.Bytes));
        }));
    }

    /// <summary>A grain on each silo.</summary>
    private async Task<string[]> BySilo()
    {
        var places = await Task.WhenAll(Enumerable.Range(0, Grains).Select(async i =>
            (Key: $"{i}", Silo: await cluster.Client.Echo($"{i}").Whereabouts())));
        var silos = places.GroupBy(place => place.Silo, place => place.Key).ToList();
        Assert.Equal(2, silos.Count);
        return [.. silos.Select(silo => silo.First())];
    }
}
