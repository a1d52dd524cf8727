using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>The queue in front of one key has an end, whoever fills it.</summary>
public sealed class QueuedCallsTests
{
    private const int Limit = 5;

    [Fact]
    public async Task Calls_BeyondTheQueueOfAKey_AreOverloaded()
    {
        var folder = Directory.CreateTempSubdirectory("okms-queue-");
        await using (var silo = await TestSilo.Start(
            new() { DataDirectory = folder.FullName },
            services: services => services.Configure<SiloMessagingOptions>(options => options.MaxEnqueuedRequestsHardLimit = Limit)))
        {
            await silo.Create("hot");
            silo.Gate.HoldAt(0);
            var rotation = silo.Key("hot").Rotate(new(TestSilo.Caller));
            await silo.Gate.Reached;
            var calls = Enumerable.Range(0, 3 * Limit).Select(_ => silo.Key("hot").Encrypt(new(TestSilo.Caller, [1])).AsTask()).ToArray();
            var refused = await Assert.ThrowsAnyAsync<Exception>(() => Task.WhenAny(calls).Unwrap());
            Assert.Equal(KmsError.Overloaded, Failure.Of(refused).Error);
            silo.Gate.HoldAt(-1);
            await rotation;
            var outcomes = await Task.WhenAll(calls.Select(call => Record.ExceptionAsync(() => call)));
            Assert.InRange(outcomes.Count(outcome => outcome is null), 1, Limit);
            Assert.All(outcomes.OfType<Exception>(), outcome => Assert.Equal(KmsError.Overloaded, Failure.Of(outcome).Error));
        }

        folder.Delete(recursive: true);
    }
}
