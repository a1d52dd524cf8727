using System.Diagnostics;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>SoftHSM as a module that misbehaves when it is told to, as other modules were seen to: see misbehaving.c.</summary>
internal sealed class MisbehavingModule
{
    private readonly string _switches;

    /// <summary>Builds the module.</summary>
    /// <param name="directory">Where; what it is to do wrong is a file there.</param>
    public MisbehavingModule(string directory)
    {
        _switches = Directory.CreateDirectory(System.IO.Path.Combine(directory, "switches")).FullName;
        Path = System.IO.Path.Combine(directory, "misbehaving.so");
        var compiler = new[] { "/usr/bin/tcc", "/usr/bin/cc" }.FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("There is no C compiler: run the tests by deploy/test.sh, which installs tcc.");
        var info = new ProcessStartInfo(compiler)
        {
            ArgumentList =
            {
                "-shared", "-fPIC", "-nostdlib", "-w", "-o", Path, $"-DINNER=\"{SoftHsm.Module}\"", $"-DSWITCHES=\"{_switches}\"",
                System.IO.Path.Combine(Repository.Root, "tests/Cluster/Hsm/misbehaving.c"),
            },
            RedirectStandardError = true,
        };
        using var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
    }

    /// <summary>The module's file.</summary>
    public string Path { get; }

    /// <summary>Makes it misbehave until the answer is disposed.</summary>
    public IDisposable Switch(params string[] misbehaviours)
    {
        string[] files = [.. misbehaviours.Select(m => System.IO.Path.Combine(_switches, m))];
        Array.ForEach(files, f => File.WriteAllText(f, ""));
        return new Switched(files);
    }

    private sealed class Switched(string[] files) : IDisposable
    {
        public void Dispose() => Array.ForEach(files, File.Delete);
    }
}
