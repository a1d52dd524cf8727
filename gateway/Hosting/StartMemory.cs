using System.Runtime.InteropServices;
using OrleansKms.Files;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Returns the memory that a start leaves behind. A start allocates ten times what stays, and neither the collector nor the C
/// library returns memory unless asked; and it maps code that is not used again. This happens at the first quiet moment of the process, and
/// a few seconds after that again, until what begins late has begun; and not at all if there is no quiet moment within a minute: by then its
/// requests need that memory themselves, and should not wait for a collection. Then <see cref="IdleMemory"/> goes on.
/// </summary>
internal sealed partial class StartMemory(TimeProvider time, Func<TimeSpan> cpuTime, Action giveBack)
{
    /// <summary>How long a process is watched at a time.</summary>
    internal static readonly TimeSpan Watch = TimeSpan.FromSeconds(2);

    /// <summary>The share of one processor below which the process counts as quiet.</summary>
    internal const double QuietShare = 0.1;

    private const int MaxWatches = 30;
    private const int Times = 6;
    private const long MaxHeap = 64 * 1024 * 1024;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(4);

    /// <summary>Begins once the server listens.</summary>
    public static void GiveBackWhenQuiet(IHostApplicationLifetime lifetime) => lifetime.ApplicationStarted.Register(
        () => _ = GiveBackOften(lifetime.ApplicationStopping));

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

    private static async Task GiveBackOften(CancellationToken stopping)
    {
        var memory = new StartMemory(TimeProvider.System, () => Environment.CpuUsage.TotalTime, GiveBack);
        for (var time = 0; time < Times && !stopping.IsCancellationRequested; time++)
        {
            await memory.Run(stopping).ConfigureAwait(false);
            await Task.Delay(_pause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Compacts, and lets go of pages of files: last, since what runs until then maps some.</summary>
    internal static void GiveBack()
    {
        Compact();
        MappedFiles.LetGo();
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nuint keep);
}
