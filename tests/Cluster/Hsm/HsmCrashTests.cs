using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Processes;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>kill -9 between the HSM and the database, at random, with keys that live in the HSM.</summary>
[Trait("Category", "Faults")]
[Collection(Alone.Name)]
public sealed class HsmCrashTests(ITestOutputHelper log) : IDisposable
{
    private const int Rounds = 4;

    private readonly SoftHsm _hsm = new();
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task KilledUnderLoad_LosesNothingThatWasAcknowledged_AndOrphansAreOnlyWhatWasNot()
    {
        var seed = Random.Shared.Next();
        log.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var load = new CrashLoad(seed, "hsm");
        var environment = _hsm.Environment(
            ("OKMS_HSM_CREATE_ROOT", "true"), ("OKMS_REQUEST_LOG", "false"), ("OKMS_HSM_TIMEOUT", "PT30S"), ("OKMS_REQUEST_TIMEOUT", "PT1M"));
        var unacknowledged = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await using (var service = await ServiceProcess.Start(_directory.Path, environment))
            {
                if (round == 1) await load.CreateSharedKeys(service.Http);
                await load.RunUntilKilled(service, acknowledgements: random.Next(30, 600));
            }

            // Beside the clients' own changes, the shared key may have been rotating by itself.
            unacknowledged += 1 + load.Keys.Count(k => k.Pending is "create" or "rotate");
            log.WriteLine($"round {round}: killed after {load.Acknowledged} acknowledgements, {load.Keys.Count()} keys, {unacknowledged} changes without an answer so far");
            await using var again = await ServiceProcess.Start(_directory.Path, environment);
            foreach (var key in load.Keys) await KeyVerification.Verify(again.Http, key);
            Assert.Equal(0, await again.Stop());
        }

        var (code, orphans, errors) = await ServiceProcess.Command(_directory.Path, ["hsm-orphans"], environment);
        Assert.True(code == 0, errors);
        log.WriteLine(orphans);
        Assert.InRange(orphans.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 0, unacknowledged);
    }

    public void Dispose()
    {
        _hsm.Dispose();
        _directory.Dispose();
    }
}
