using System.Globalization;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// Operations a second of CPU through a key grain, beside the library's own call and beside <c>openssl speed</c>: short slices of the two in
/// turn, and the ratio of each pair, so that a machine that others load too harms both alike. Slices end by CPU time, not by the clock.
/// Several callers call one key, as its users do; the library is called in a loop.
/// </summary>
internal static class OperationCost
{
    private const int Callers = 16;
    private const int SlowPerSecond = 500;
    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(40);

    // Until the code is compiled at its last tier and the lease has grown: most of it once for all, the rest of each operation. Code that was
    // compiled ahead runs at a quarter of its speed for many seconds, so a fixed time is not enough.
    private static readonly TimeSpan _longWarmUp = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _warmUp = TimeSpan.FromSeconds(2);
    private const double IsFaster = 0.97;
    private const int MaxWarmUps = 10;

    /// <param name="filter">What the names of the measured operations contain; all by default.</param>
    /// <param name="rounds">How many pairs of slices are measured of each.</param>
    public static async Task Run(string filter, int rounds)
    {
        await using var silo = await BenchSilo.Start();
        Console.WriteLine("| operation | grain, a second | library, a second | ratio | pair by pair | openssl, a second | us of the road |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        using (var calls = await MeasuredOperation.All.Single(o => o.Name == "encrypt, AES_256_GCM").Prepare(silo))
        {
            await Slice(Callers, 8, calls.Grain, _longWarmUp);
        }

        foreach (var operation in MeasuredOperation.All.Where(o => o.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)))
        {
            using var calls = await operation.Prepare(silo);
            Console.WriteLine(await Measure(operation, calls, rounds));
        }
    }

    private static async Task<string> Measure(MeasuredOperation operation, MeasuredCalls calls, int rounds)
    {
        // What takes long has one caller, and each slice is at least one call.
        var isSlow = 1e6 / await WarmUp(calls.Library) < SlowPerSecond;
        var (callers, callsBetween) = isSlow ? (1, 1) : (Callers, 8);
        await Slice(callers, callsBetween, calls.Grain, _warmUp);
        var (through, library) = (new List<double>(), new List<double>());
        for (var i = 0; i < rounds; i++)
        {
            through.Add(await Slice(callers, callsBetween, calls.Grain, _slice));
            library.Add(await Slice(1, callsBetween, calls.Library, _slice));
        }

        var ratios = through.Zip(library, (own, plain) => plain / own).Order().ToArray();
        var (a, b) = (GrainCost.Median(through), GrainCost.Median(library));
        var speed = operation.OpenSsl is { } algorithm ? (await OpenSslSpeed.Of(algorithm)).ToString("N0", CultureInfo.InvariantCulture) : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {operation.Name} | {1e6 / a:N0} | {1e6 / b:N0} | {b / a:F2} | {GrainCost.Median(ratios):F2} ({ratios[0]:F2} to {ratios[^1]:F2}) | {speed} | {a - b:F1} |");
    }

    /// <summary>Calls until that does not get faster any more, twice in a row. Microseconds of CPU a call.</summary>
    private static async Task<double> WarmUp(Func<Task> call)
    {
        var (fastest, same) = (double.MaxValue, 0);
        for (var i = 0; i < MaxWarmUps && same < 2; i++)
        {
            var cost = await Slice(1, 1, call, _warmUp);
            (fastest, same) = cost < fastest * IsFaster ? (cost, 0) : (fastest, same + 1);
        }

        return fastest;
    }

    /// <summary>Microseconds of CPU a call.</summary>
    private static async Task<double> Slice(int callers, int callsBetween, Func<Task> call, TimeSpan length)
    {
        var before = Environment.CpuUsage.TotalTime;
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            long count = 0;
            do
            {
                // The clock of CPU time costs a microsecond.
                for (var i = 0; i < callsBetween; i++, count++)
                {
                    await call();
                }
            }
            while (Environment.CpuUsage.TotalTime - before < length);
            return count;
        })));
        return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / counts.Sum();
    }
}
