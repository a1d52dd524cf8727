using System.Diagnostics;
using System.Globalization;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The command by which a container engine asks whether the process beside it is ready.</summary>
public sealed class HealthCheckTests
{
    [Fact]
    public async Task Running_IsHealthy_AndStopped_IsNot()
    {
        using var directory = new TemporaryDirectory();
        int port;
        var metricsPort = ServiceProcess.FreePort();
        var metrics = metricsPort.ToString(CultureInfo.InvariantCulture);
        await using (var service = await ServiceProcess.Start(directory.Path, ("OKMS_METRICS_PORT", metrics)))
        {
            port = service.Port;
            // The listener for metrics is asked where there is one: the other may speak TLS.
            Assert.Equal(0, (await Ask(directory.Path, 1, metricsPort: metrics)).Code);
            var (code, output) = await Ask(directory.Path, port);
            Assert.True(code == 0, output);
            Assert.Contains("healthy", output, StringComparison.Ordinal);
            Assert.Equal(0, await service.Stop());
        }
        Assert.Equal((1, "no answer\n"), await Ask(directory.Path, port));
    }

    [Fact]
    public async Task All_Addresses_AreAskedOnLoopback()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path, ("OKMS_BIND_ADDRESS", "127.0.0.1"));
        Assert.Equal(0, (await Ask(directory.Path, service.Port, "*")).Code);
    }

    private static async Task<(int Code, string Output)> Ask(string directory, int port, string bindAddress = "localhost", string? metricsPort = null)
    {
        var info = new ProcessStartInfo("dotnet", [ServiceProcess.ProgramPath(ServiceProcess.Program), "healthcheck"])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
        };
        info.Environment["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        info.Environment["OKMS_BIND_ADDRESS"] = bindAddress;
        info.Environment["OKMS_METRICS_PORT"] = metricsPort;
        using var process = Process.Start(info)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
