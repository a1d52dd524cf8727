using System.Runtime.InteropServices;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Returns the memory that a start leaves behind. A start allocates ten times what stays, and neither the collector nor the C
/// library returns memory unless asked; and it maps code that is not used again. This happens at the first quiet moment of the process, and
/// once more half a minute later, when what begins late has begun; and not at all if there is no quiet moment within a minute: by then its
/// requests need that memory themselves, and should not wait for a collection.
/// </summary>
internal sealed partial class StartMemory(TimeProvider time, Func<TimeSpan> cpuTime, Action giveBack)
{
    /// <summary>How long a process is watched at a time.</summary>
    internal static readonly TimeSpan Watch = TimeSpan.FromSeconds(2);

    /// <summary>The share of one processor below which the process counts as quiet.</summary>
    internal const double QuietShare = 0.1;

    private const int MaxWatches = 30;
    private const long MaxHeap = 64 * 1024 * 1024;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(30);

    /// <summary>Begins once the server listens.</summary>
    public static void GiveBackWhenQuiet(IHostApplicationLifetime lifetime) => lifetime.ApplicationStarted.Register(
        () => _ = GiveBackTwice(lifetime.ApplicationStopping));

    /// <summary>Waits for a quiet moment, and returns the memory.</summary>
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

    /// <summary>
    /// Compacts the heap, and returns what is free in it and in that of the C library, which the just-in-time compiler uses. Not if the heap is
    /// large: then more of it is in use, and to compact it takes long.
    /// </summary>
    internal static void Compact()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) > MaxHeap)
        {
            return;
        }

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

    private static async Task GiveBackTwice(CancellationToken stopping)
    {
        var memory = new StartMemory(TimeProvider.System, () => Environment.CpuUsage.TotalTime, GiveBack);
        await memory.Run(stopping).ConfigureAwait(false);
        await Task.Delay(_pause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await memory.Run(stopping).ConfigureAwait(false);
    }

    private static void GiveBack()
    {
        MappedFiles.LetGo();
        Compact();
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nuint keep);
}
