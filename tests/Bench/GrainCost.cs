using System.Diagnostics;
using System.Security.Cryptography;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// CPU of one encryption of 1 KiB through a key grain beside a grain that only calls AesGcm: 64 callers, 64 keys, one silo,
/// slices of 200 ms in turn, medians of 20 slices; and what each allocates, which no load of the machine changes.
/// </summary>
internal static class GrainCost
{
    private const int Callers = 64;
    private const int Rounds = 20;
    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(200);

    public static async Task Run(bool withFence)
    {
        await using var silo = await BenchSilo.Start(withFence);
        var plaintext = RandomNumberGenerator.GetBytes(1024);
        var keys = new IKeyGrain[Callers];
        var bare = new IBareGrain[Callers];
        for (var i = 0; i < Callers; i++)
        {
            await silo.Create($"bench.{i}");
            keys[i] = silo.Grains.GetGrain<IKeyGrain>($"bench.{i}");
            bare[i] = silo.Grains.GetGrain<IBareGrain>($"bare.{i}");
        }

        async Task CallKey(int i) => await keys[i].Encrypt(new(BenchSilo.Caller, plaintext));
        async Task CallBare(int i) => await bare[i].Encrypt(new(plaintext));

        // Long enough for the leases to have grown and for the code to be compiled at its last tier.
        for (var i = 0; i < 20; i++)
        {
            await Slice(CallKey);
            await Slice(CallBare);
        }

        var (own, plain) = (new List<double>(), new List<double>());
        for (var i = 0; i < Rounds; i++)
        {
            own.Add(await Slice(CallKey));
            plain.Add(await Slice(CallBare));
        }

        var (ownBytes, plainBytes) = (await Allocated(CallKey), await Allocated(CallBare));
        var ratios = own.Zip(plain, (a, b) => a / b).Order().ToArray();
        Console.WriteLine($"key grain   {Median(own):F2} us CPU a call ({own.Min():F2} to {own.Max():F2})");
        Console.WriteLine($"bare grain  {Median(plain):F2} us CPU a call ({plain.Min():F2} to {plain.Max():F2})");
        Console.WriteLine($"allocated   {ownBytes:F0} bytes a call, the bare grain {plainBytes:F0}");
        Console.WriteLine($"ratio       {Median(own) / Median(plain):F3} of medians; pair by pair {Median(ratios):F3} ({ratios[0]:F3} to {ratios[^1]:F3})");
    }

    /// <summary>Bytes allocated a call, of a single caller.</summary>
    private static async Task<double> Allocated(Func<int, Task> call)
    {
        const int Calls = 20_000;
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < Calls; i++)
        {
            await call(0);
        }

        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Calls;
    }

    private static async Task<double> Slice(Func<int, Task> call)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var until = Stopwatch.GetTimestamp() + (long)(_slice.TotalSeconds * Stopwatch.Frequency);
        var counts = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => Task.Run(async () =>
        {
            long count = 0;
            while (Stopwatch.GetTimestamp() < until)
            {
                await call(i);
                count++;
            }

            return count;
        })));
        process.Refresh();
        return (process.TotalProcessorTime - before).TotalMicroseconds / counts.Sum();
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
