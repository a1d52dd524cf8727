using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>The place of one silo or gateway in a cluster: its ports and settings, and the process that is there now.</summary>
internal sealed class Member(bool isGateway, string directory, (string, string?)[] environment) : IAsyncDisposable
{
    private ServiceProcess? _process;

    public int Port { get; } = ServiceProcess.FreePort();

    public ServiceProcess Process => _process ?? throw new InvalidOperationException("The member was not started.");

    /// <summary>Starts the process without waiting for it.</summary>
    public void Launch() => _process = isGateway
        ? ServiceProcess.LaunchGateway(directory, Port, environment)
        : ServiceProcess.Launch(directory, Port, environment);

    /// <summary>Runs a command of the program, with this member's settings, to its end.</summary>
    public Task<(int Code, string Output, string Errors)> Command(params string[] arguments) =>
        ServiceProcess.Command(directory, arguments, environment);

    public Task UntilReady() => Process.Until("/health/ready");

    /// <summary>kill -9.</summary>
    public Task Kill() => Process.Kill();

    /// <summary>SIGTERM, then the next process in the same place.</summary>
    public async Task Restart()
    {
        var code = await Process.Stop();
        Assert.True(code == 0, $"{code}\n{Process}");
        await Process.DisposeAsync();
        Launch();
        await UntilReady();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }
}
