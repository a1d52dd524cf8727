using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// What a key costs as their number grows: creating, listing all by pages, describing any one; and what memory is left when
/// idle keys have been deactivated.
/// </summary>
internal static class ManyKeys
{
    private const int Steps = 5;
    private const int Parallel = 64;
    private const int Described = 2000;

    public static async Task Run(int count)
    {
        await using var silo = await BenchSilo.Start();
        var management = silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0);
        Console.WriteLine($"memory at start {Memory():F0} MiB");
        Console.WriteLine("CPU microseconds a key:");
        Console.WriteLine("      keys |  create |    list | describe cold | describe warm | MiB with all active | with none | managed heap");
        var random = new Random(1);
        for (var step = 1; step <= Steps; step++)
        {
            var (from, to) = (count / Steps * (step - 1), count / Steps * step);
            var create = await Cost(to - from, i => silo.Create(Id(from + i)));
            var list = await ListCost(silo, to);
            var active = Memory();
            await DeactivateAll(management);
            int[] some = [.. Enumerable.Range(0, Described).Select(_ => random.Next(to)).Distinct()];
            var cold = await Cost(some.Length, i => Describe(silo, some[i]));
            var warm = await Cost(some.Length, i => Describe(silo, some[i]));
            await DeactivateAll(management);
            Console.WriteLine($"{to,10} | {create,7:F0} | {list,7:F2} | {cold,13:F0} | {warm,13:F0} | {active,19:F0} | {Memory(),9:F0} | {GC.GetTotalMemory(forceFullCollection: true) / 1048576.0,12:F1}");
        }
    }

    private static Task<KeyDescription> Describe(BenchSilo silo, int i) => silo.Grains.GetGrain<IKeyGrain>(Id(i)).Describe(new(BenchSilo.Caller));

    /// <summary>Takes all keys out of memory.</summary>
    public static async Task DeactivateAll(IManagementGrain management)
    {
        do
        {
            try
            {
                await management.ForceActivationCollection(TimeSpan.Zero);
            }
            catch (TimeoutException)
            {
                // Each key writes its exact counters as it goes, so many take longer than one call may; it goes on meanwhile.
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }
        while (await management.GetTotalActivationCount() > 100);
    }

    private static string Id(int i) => $"bench.many.{i:D7}";

    private static async Task<double> Cost(int operations, Func<int, Task> operation)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        await System.Threading.Tasks.Parallel.ForAsync(
            0, operations, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (i, _) => await operation(i));
        process.Refresh();
        return (process.TotalProcessorTime - before).TotalMicroseconds / operations;
    }

    private static async Task<double> ListCost(BenchSilo silo, int expected)
    {
        var directory = silo.Grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.Key);
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var seen = 0;
        for (string? after = null; ;)
        {
            var page = await directory.ListKeys(new(BenchSilo.Caller, "bench.many.", after, 1000, IncludeDestroyed: false));
            seen += page.Ids.Length;
            if (!page.HasMore)
            {
                break;
            }

            after = page.Ids[^1];
        }

        if (seen != expected)
        {
            throw new InvalidOperationException($"listed {seen} of {expected} keys");
        }

        process.Refresh();
        return (process.TotalProcessorTime - before).TotalMicroseconds / seen;
    }

    private static double Memory()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64 / 1048576.0;
    }
}
