using System.Diagnostics;

namespace OrleansKms.Tests.Cluster.Upgrade;

/// <summary>
/// The program of feature level 1, built from the same source into a directory of its own: it writes and reads rows of format 1
/// only and does not have the grain methods that came later.
/// </summary>
public sealed class OldProgram : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly string _directory = Directory.CreateTempSubdirectory("okms-old-").FullName;

    /// <summary>The built silo.</summary>
    public string Path => System.IO.Path.Combine(_directory, "bin", "OrleansKms.Silo", "release", "okms.dll");

    public async Task InitializeAsync()
    {
        // Analysis is the other build's; a server that stays would outlive the test.
        var info = new ProcessStartInfo("dotnet", [
            "build", System.IO.Path.Combine(Root(), "silo"), "-c", "Release", "-v", "q", "--artifacts-path", _directory,
            "-p:OkmsFeatureLevel=1", "-p:RunAnalyzers=false", "-p:OkmsReadyToRun=false", "-nodeReuse:false", "-p:UseSharedCompilation=false"])
        {
            WorkingDirectory = _directory,
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(info)!;
        using var patience = new CancellationTokenSource(Patience);
        var output = await build.StandardOutput.ReadToEndAsync(patience.Token);
        await build.WaitForExitAsync(patience.Token);
        Assert.True(build.ExitCode == 0 && File.Exists(Path), output);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return Task.CompletedTask;
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(directory.FullName, "OrleansKms.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("The solution was not found above the tests.");
        }

        return directory.FullName;
    }
}
