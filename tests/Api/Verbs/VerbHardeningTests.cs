using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>A verb holds plaintexts and a token: nothing of its memory reaches a file.</summary>
public sealed class VerbHardeningTests(DefaultApi api) : VerbTest(api)
{
    [Fact]
    public async Task ProcessOfAVerb_DumpsNoCore()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var gate = await Turnstile.Start(Api);
        using var process = StartProcess(gate.Address, "random");
        await gate.Full(1).WaitAsync(ServiceProcess.Patience);
        var limits = await File.ReadAllLinesAsync($"/proc/{process.Id}/limits");
        process.Kill();
        await process.WaitForExitAsync();
        Assert.Matches(@"^Max core file size +0 +0 ", Assert.Single(limits, line => line.StartsWith("Max core file size", StringComparison.Ordinal)));
    }
}
