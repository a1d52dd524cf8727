using System.Runtime.InteropServices;
using OrleansKms.Files;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Keeps a quiet process small. A start allocates ten times what stays, and neither the collector nor the C library returns memory unless
/// asked; it also maps code that is not used again. Later, the collector lets the youngest generation grow as large as the processor's cache,
/// which may be tens of MiB, before it collects: a busy process needs that, and an idle one fills it within minutes with what its timers leave.
/// So the process is watched, first for two seconds and then each time for longer. If it was quiet it returns memory, which takes some
/// thirty milliseconds; a busy one is left to the collector.
/// </summary>
internal sealed partial class QuietMemory(TimeProvider time, Func<TimeSpan> cpuTime, Action giveBack)
{
    /// <summary>How long a process is watched at first.</summary>
    internal static readonly TimeSpan FirstWatch = TimeSpan.FromSeconds(2);

    /// <summary>How much longer it is watched each time.</summary>
    internal static readonly TimeSpan Longer = TimeSpan.FromSeconds(1);

    /// <summary>How long it is watched at last.</summary>
    internal static readonly TimeSpan LongestWatch = TimeSpan.FromSeconds(20);

    /// <summary>The share of one processor up to which the process counts as quiet.</summary>
    internal const double QuietShare = 0.1;

    private const long MaxHeap = 64 * 1024 * 1024;

    /// <summary>Begins once the server listens, and lasts until the process stops.</summary>
    public static void GiveBackWhenQuiet(IHostApplicationLifetime lifetime) => lifetime.ApplicationStarted.Register(
        () => _ = new QuietMemory(TimeProvider.System, () => Environment.CpuUsage.TotalTime, GiveBack).Run(lifetime.ApplicationStopping));

    /// <summary>Watches until the process stops.</summary>
    internal async Task Run(CancellationToken stopping)
    {
        for (var watch = FirstWatch; ; watch = TimeSpan.FromTicks(Math.Min((watch + Longer).Ticks, LongestWatch.Ticks)))
        {
            var watched = Task.Delay(watch, time, stopping);
            var used = cpuTime();
            await watched.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested) return;
            if (cpuTime() - used <= watch * QuietShare) giveBack();
        }
    }

    /// <summary>Compacts, and lets go of pages of the program: last, since what runs until then maps some.</summary>
    private static void GiveBack()
    {
        Compact();
        MappedFiles.LetGo();
    }

    /// <summary>
    /// Compacts the heap, and returns what is free in it and in that of the C library, which the just-in-time compiler uses. Not if the heap is
    /// large: then more of it is in use, and to compact it takes long.
    /// </summary>
    private static void Compact()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) > MaxHeap) return;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (!OperatingSystem.IsLinux()) return;
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
