using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>kill -9 in the middle of everything, again and again on one data directory: nothing acknowledged is lost.</summary>
public sealed class CrashTests(ITestOutputHelper log)
{
    private const int Rounds = 3;

    [Fact]
    public async Task KilledUnderLoad_LosesNothingThatWasAcknowledged()
    {
        var seed = Random.Shared.Next();
        log.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var directory = new TemporaryDirectory();
        var load = new CrashLoad(seed);
        for (var round = 1; round <= Rounds; round++)
        {
            await using (var service = await ServiceProcess.Start(directory.Path))
            {
                if (round == 1) await load.CreateSharedKeys(service.Http);
                await load.RunUntilKilled(service, acknowledgements: random.Next(50, 1200));
            }
            log.WriteLine($"round {round}: killed after {load.Acknowledged} acknowledgements, {load.Keys.Count()} keys");
            await using var again = await ServiceProcess.Start(directory.Path);
            foreach (var key in load.Keys) await KeyVerification.Verify(again.Http, key);
            // The next crash finds what a crash and a clean stop left behind, alternately.
            if (round % 2 == 0) Assert.Equal(0, await again.Stop());
            else await again.Kill();
        }
    }
}
