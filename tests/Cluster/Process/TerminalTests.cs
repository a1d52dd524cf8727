using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The program at a terminal, which <c>script</c> provides, and what a command loads of it.</summary>
public sealed class TerminalTests
{
    [Fact]
    public async Task FirstStart_AtATerminal_LogsText_AndSaysWhatToTry()
    {
        using var directory = new TemporaryDirectory();
        var port = ServiceProcess.FreePort().ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("script", ["-qfec", $"exec dotnet '{ServiceProcess.ProgramPath(ServiceProcess.Program)}' serve", "/dev/null"])
        {
            WorkingDirectory = directory.Path,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        ServiceProcess.RemoveSettings(start);
        (start.Environment["PORT"], start.Environment["OKMS_DASHBOARD"]) = (port, "false");
        using var terminal = Process.Start(start)!;
        try
        {
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            List<string> lines = [];
            while (!lines.Any(line => line.Contains(" keys create ", StringComparison.Ordinal)))
            {
                lines.Add(await terminal.StandardOutput.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException(string.Join('\n', lines)));
            }

            Assert.Contains(lines, line => line.Contains(" info  OrleansKms: OrleansKms ", StringComparison.Ordinal));
            Assert.Contains(lines, line => line.Contains($"listens at http://127.0.0.1:{port}", StringComparison.Ordinal));
            Assert.Contains(lines, line => line.TrimEnd().EndsWith("is in " + directory.Of("okms-data/admin.token"), StringComparison.Ordinal));
            Assert.DoesNotContain(lines, line => line.StartsWith('{'));
        }
        finally
        {
            terminal.Kill(entireProcessTree: true);
            await terminal.WaitForExitAsync();
        }
    }

    /// <summary>A command that only talks to a service, or not even that, starts in the time that it takes to start .NET.</summary>
    [Theory]
    [InlineData("--help")]
    [InlineData("completion bash")]
    public async Task Command_LoadsNothingOfTheService(string arguments)
    {
        using var directory = new TemporaryDirectory();
        var (code, output, errors) = await ServiceProcess.Command(
            directory.Path, arguments.Split(' '), ("DOTNET_EnableEventPipe", "1"), ("DOTNET_EventPipeOutputPath", directory.Of("trace")),
            ("DOTNET_EventPipeConfig", "Microsoft-Windows-DotNETRuntime:8:4"));
        Assert.True(code == 0, output + errors);
        var loaded = Encoding.Unicode.GetString(await File.ReadAllBytesAsync(directory.Of("trace")));
        var shifted = Encoding.Unicode.GetString((await File.ReadAllBytesAsync(directory.Of("trace"))).AsSpan(1));
        Assert.True(Loads("System.CommandLine.dll"), "The trace says nothing of what was loaded.");
        Assert.All(
            (string[])["Orleans.Core.dll", "Orleans.Runtime.dll", "Microsoft.AspNetCore.dll", "Npgsql.dll", "OpenTelemetry.dll"],
            part => Assert.False(Loads(part), part));

        bool Loads(string assembly) => loaded.Contains("/" + assembly, StringComparison.Ordinal) || shifted.Contains("/" + assembly, StringComparison.Ordinal);
    }
}
