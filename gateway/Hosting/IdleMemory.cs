namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Keeps an idle process small. The collector lets the youngest generation grow as large as the processor's cache, which may be tens of MiB,
/// before it collects. A busy process needs that; an idle one fills it within minutes with what its timers leave. So a process that was quiet
/// for a while compacts its heap, which takes some twenty milliseconds; one with a large heap does not.
/// And it lets go of code that only an earlier request used, which takes some ten.
/// </summary>
internal sealed class IdleMemory(TimeProvider time, Func<TimeSpan> cpuTime, Action giveBack)
{
    /// <summary>How long a process is watched at a time.</summary>
    internal static readonly TimeSpan Watch = TimeSpan.FromSeconds(20);

    /// <summary>Begins once the server listens, and lasts until the process stops.</summary>
    public static void GiveBackWhenIdle(IHostApplicationLifetime lifetime) => lifetime.ApplicationStarted.Register(() => _ = new IdleMemory(
        TimeProvider.System,
        () => Environment.CpuUsage.TotalTime,
        StartMemory.GiveBack).Run(lifetime.ApplicationStopping));

    /// <summary>Watches until the process stops.</summary>
    internal async Task Run(CancellationToken stopping)
    {
        while (true)
        {
            var watched = Task.Delay(Watch, time, stopping);
            var used = cpuTime();
            await watched.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
            {
                return;
            }

            if (cpuTime() - used <= Watch * StartMemory.QuietShare)
            {
                giveBack();
            }
        }
    }
}
