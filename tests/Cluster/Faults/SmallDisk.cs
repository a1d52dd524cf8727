using System.Diagnostics;
using System.Globalization;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>A test that needs a file system of its own. Where the machine allows none it is skipped, and the run says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    /// <summary>Finds out whether it is allowed.</summary>
    public SmallDiskFactAttribute()
    {
        if (!SmallDisk.IsAllowed)
        {
            Skip = "This machine allows no mounts (root is needed): a full disk was NOT tested.";
        }
    }
}

/// <summary>A file system in memory that can be filled and made read-only.</summary>
internal sealed class SmallDisk : IDisposable
{
    private static readonly Lazy<bool> _isAllowed = new(Probe);

    private readonly TemporaryDirectory _directory = new();

    public SmallDisk(int mebibytes)
    {
        Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m,mode=0711"), "okms-test", Path);
    }

    public static bool IsAllowed => _isAllowed.Value;

    public string Path => _directory.Path;

    private string Filler => Of("filler");

    public string Of(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var block = new byte[1024 * 1024]; block.Length >= 512;)
        {
            try
            {
                file.Write(block);
            }
            catch (IOException)
            {
                block = new byte[block.Length / 2];
            }
        }
    }

    /// <summary>Gives it back.</summary>
    public void Free() => File.Delete(Filler);

    /// <summary>Takes no more writes; nobody may have a file open for one.</summary>
    public void MakeReadOnly() => Run("mount", "-o", "remount,ro", Path);

    public void Dispose()
    {
        Run("umount", "-l", Path);
        _directory.Dispose();
    }

    private static bool Probe()
    {
        if (Environment.UserName != "root")
        {
            return false;
        }

        try
        {
            using var disk = new SmallDisk(1);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors}");
        }
    }
}
