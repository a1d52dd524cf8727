using System.Runtime.InteropServices;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Ends the process when a graceful stop takes longer than allowed. A thread of its own, since what hangs may be the thread pool.
/// Like a kill, it loses nothing that was acknowledged.
/// </summary>
internal static partial class ShutdownWatchdog
{
    /// <summary>The exit code of a stop that had to be forced.</summary>
    public const int ForcedStop = 1;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    /// <summary>Starts counting when the host begins to stop.</summary>
    public static void Arm(IHostApplicationLifetime lifetime, HttpSettings settings) =>
        lifetime.ApplicationStopping.Register(() => new Thread(() => End(settings.ShutdownTimeout))
        {
            IsBackground = true,
            Name = "shutdown watchdog",
        }.Start());

    private static void End(TimeSpan timeout)
    {
        Thread.Sleep(timeout);
        // Nor may the message block: its reader may be what hangs.
        var message = new Thread(() => Console.Error.WriteLine("okms: the stop took longer than OKMS_SHUTDOWN_TIMEOUT and was forced."))
        {
            IsBackground = true,
        };
        message.Start();
        message.Join(_patience);
        // Environment.Exit runs finalizers and handlers, which may be what hangs; FailFast would write a dump.
        if (OperatingSystem.IsWindows()) Environment.Exit(ForcedStop);
        EndAtOnce(ForcedStop);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void EndAtOnce(int status);
}
