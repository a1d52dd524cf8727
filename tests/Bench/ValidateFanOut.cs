using System.Diagnostics;

namespace OrleansKms.Tests.Bench;

/// <summary>Validating 100 keys at once beside 100 calls one after another.</summary>
internal static class ValidateFanOut
{
    private const int Keys = 100;
    private const int Rounds = 50;

    public static async Task Run()
    {
        await using var silo = await BenchSilo.Start();
        for (var i = 0; i < Keys; i++)
        {
            await silo.Create($"bench.{i}");
        }

        var keys = Enumerable.Range(0, Keys).Select(i => silo.Grains.GetGrain<IKeyGrain>($"bench.{i}")).ToArray();
        var (together, apart) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds * 2; round++)
        {
            var started = Stopwatch.GetTimestamp();
            await Task.WhenAll(keys.Select(k => k.Validate(new(BenchSilo.Caller))));
            var fanOut = Stopwatch.GetElapsedTime(started);

            started = Stopwatch.GetTimestamp();
            foreach (var key in keys)
            {
                await key.Validate(new(BenchSilo.Caller));
            }

            var oneByOne = Stopwatch.GetElapsedTime(started);
            if (round >= Rounds)
            {
                together.Add(fanOut.TotalMicroseconds);
                apart.Add(oneByOne.TotalMicroseconds);
            }
        }

        Console.WriteLine($"100 keys at once       {GrainCost.Median(together):F0} us ({together.Min():F0} to {together.Max():F0})");
        Console.WriteLine($"100 one after another  {GrainCost.Median(apart):F0} us ({apart.Min():F0} to {apart.Max():F0})");
    }
}
