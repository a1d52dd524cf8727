using System.Runtime.InteropServices;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Gives back the memory that a start leaves behind. A start allocates ten times what stays, and neither the collector nor the C
/// library gives room back that nothing asks for. It happens once, in the first moment in which the process has little to do, and not
/// at all if it has none within a minute: by then its requests need that room themselves, and should not wait for a collection.
/// </summary>
internal sealed partial class StartMemory(TimeProvider time, Func<TimeSpan> cpuTime, Action giveBack)
{
    /// <summary>How long a process is watched at a time.</summary>
    internal static readonly TimeSpan Watch = TimeSpan.FromSeconds(2);

    /// <summary>Up to what share of one processor counts as little to do.</summary>
    internal const double QuietShare = 0.1;

    private const int MaxWatches = 30;

    /// <summary>Begins once the server listens.</summary>
    public static void GiveBackWhenQuiet(IHostApplicationLifetime lifetime) => lifetime.ApplicationStarted.Register(
        () => _ = new StartMemory(TimeProvider.System, () => Environment.CpuUsage.TotalTime, GiveBack).Run(lifetime.ApplicationStopping));

    /// <summary>Waits for a quiet moment, and gives back.</summary>
    internal async Task Run(CancellationToken stopping)
    {
        for (var watch = 0; watch < MaxWatches; watch++)
        {
            var watched = Task.Delay(Watch, time, stopping);
            var before = cpuTime();
            await watched.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
            {
                return;
            }

            if (cpuTime() - before <= Watch * QuietShare)
            {
                giveBack();
                return;
            }
        }
    }

    private static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            _ = TrimHeap(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Not glibc: musl keeps little.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nuint keep);
}
