using System.Diagnostics;
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

    /// <summary>Runs a command of the program, with this member's settings.</summary>
    public ServiceProcess Command(params string[] arguments) => ServiceProcess.Command(directory, arguments, environment);

    public Task UntilReady() => Process.UntilAnswers("/health/ready");

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

    /// <summary>The process gets no more time, as in a paused machine.</summary>
    public void Freeze() => Signal("STOP");

    /// <summary>The process goes on as if nothing had happened.</summary>
    public void Wake() => Signal("CONT");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }

    private void Signal(string name)
    {
        using var kill = System.Diagnostics.Process.Start("kill", ["-" + name, Process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }
}
