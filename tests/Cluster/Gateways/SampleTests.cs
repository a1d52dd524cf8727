using System.Diagnostics;
using System.Diagnostics.Metrics;
using OrleansKms.Tests.Cluster.Keys;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>The sample of a trusted .NET service, as a process of its own against a silo.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task Sample_EncryptsDecryptsSignsAndVerifies_UnderItsOwnName()
    {
        using var directory = new TemporaryDirectory();
        var (clusterId, port, principal) = (Guid.NewGuid().ToString("N"), ServiceProcess.FreePort(), "billing-" + Guid.NewGuid().ToString("N"));
        await using var silo = await TestSilo.Start(new() { DataDirectory = directory.Path }, clusterId: clusterId, clientPort: port);
        var first = await Run(port, clusterId, principal);
        Assert.Equal(
            [
                "created payments.eu.cards, version 1", "encrypted 71 bytes under version 1", "decrypted 4111 1111 1111 1111", "data key of 256 bits",
                "signed by ECDSA_SHA_256 under version 1", "valid there: True, here: True",
            ],
            first);
        Assert.Equal("there is payments.eu.cards already", (await Run(port, clusterId, principal))[0]);

        var key = await silo.Key("payments.eu.cards").Describe(new KeyCommand(TestSilo.Caller));
        Assert.Equal(4, key.Uses.Encrypt);
        Assert.Equal(TimeSpan.FromDays(90), key.Rotation?.Every);
        Assert.Equal([("change", 2L), ("data_key", 2), ("decrypt", 2), ("encrypt", 2), ("sign", 2), ("verify", 2)], CallsOf(principal));
    }

    private static async Task<string[]> Run(int port, string clusterId, string principal)
    {
        var info = new ProcessStartInfo("dotnet", [Program(), "payments.eu.cards"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment.Remove("DATABASE_URL");
        info.Environment["OKMS_SILOS"] = $"127.0.0.1:{port}";
        info.Environment["OKMS_SERVICE_ID"] = "okms-test";
        info.Environment["OKMS_CLUSTER_ID"] = clusterId;
        info.Environment["OKMS_PRINCIPAL"] = principal;
        info.Environment["OKMS_INSECURE_CLUSTER_NETWORK"] = "true";
        using var sample = Process.Start(info)!;
        var (output, errors) = (sample.StandardOutput.ReadToEndAsync(), sample.StandardError.ReadToEndAsync());
        await sample.WaitForExitAsync();
        Assert.True(sample.ExitCode == 0, $"{sample.ExitCode}\n{await output}\n{await errors}");
        return (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The sample as it was built with these tests: tests/Sample/bin and the same two directories below it.</summary>
    private static string Program()
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(
            here.Parent!.Parent!.Parent!.Parent!.FullName, "Sample", "bin", here.Parent.Name, here.Name, "OrleansKms.Sample.dll");
    }

    /// <summary>What the silo in this process has counted of a caller.</summary>
    private static List<(string Operation, long Calls)> CallsOf(string principal)
    {
        var calls = new List<(string, long)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is { Name: "calls", Meter.Name: "OrleansKms" }) listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if ((string?)tags[0].Value == principal) calls.Add(((string)tags[1].Value!, value));
        });
        listener.Start();
        listener.RecordObservableInstruments();
        calls.Sort();
        return calls;
    }
}
