using OrleansKms.Tests.Cluster.Gateways;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Audit;

/// <summary>The logs of three silos that run, verified beside them by what Postgres has of them.</summary>
[Collection(TwoGatewaysCollection.Name)]
public sealed class VerifyOnPostgresTests(TwoGateways gateways)
{
    [Fact]
    public async Task LogsOfACluster_VerifyAgainstTheDatabase_WhileItRuns()
    {
        await gateways.First.Http.Create("verified");
        for (var i = 0; i < 20; i++) await (i % 2 == 0 ? gateways.First : gateways.Second).Http.Encrypt("verified", [1]);
        await gateways.First.Http.Rotate("verified");
        var (code, output, errors) = await gateways.Command("audit", "verify", "--database");
        Assert.True(code == 0, output + errors);
        Assert.InRange(output.Split(": ok: ").Length - 1, TwoGateways.Silos, int.MaxValue);
    }
}
