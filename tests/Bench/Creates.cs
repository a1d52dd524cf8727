using System.Diagnostics;
using Npgsql;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// What a create costs, which is two durable commits: on SQLite, and with a Postgres with and without statements that Npgsql
/// prepares by itself, in turn.
/// </summary>
internal static class Creates
{
    private const int Callers = 64;
    private const int Rounds = 10;
    private static readonly TimeSpan _slice = TimeSpan.FromSeconds(2);

    private static int _next;

    /// <param name="postgres">How Npgsql reaches a server on which databases may be made; null for SQLite alone.</param>
    public static async Task Run(string? postgres)
    {
        if (postgres is null)
        {
            await Measure([("SQLite", null)]);
            return;
        }

        await using var source = NpgsqlDataSource.Create(postgres);
        var names = Enumerable.Range(0, 2).Select(_ => "okms_bench_" + Guid.NewGuid().ToString("N")).ToArray();
        foreach (var name in names) await Execute(source, $"CREATE DATABASE {name}");
        try
        {
            await Measure([
                ("Postgres, nothing prepared", new NpgsqlConnectionStringBuilder(postgres) { Database = names[0], MaxAutoPrepare = 0 }.ConnectionString),
                ("Postgres, as it is", new NpgsqlConnectionStringBuilder(postgres) { Database = names[1] }.ConnectionString),
            ]);
        }
        finally
        {
            foreach (var name in names) await Execute(source, $"DROP DATABASE {name} WITH (FORCE)");
        }
    }

    private static async Task Measure((string Name, string? ConnectionString)[] kinds)
    {
        var silos = new List<(string Name, BenchSilo Silo, List<(double Rate, double Cost)> Slices)>();
        foreach (var (name, connectionString) in kinds) silos.Add((name, await BenchSilo.Start(connectionString: connectionString), []));
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (_, silo, slices) in silos)
            {
                var slice = await Slice(silo);
                if (round > 0) slices.Add(slice);
            }
        }

        Console.WriteLine("database | creates a second | us CPU of the silo a create");
        foreach (var (name, silo, slices) in silos)
        {
            Console.WriteLine($"{name} | {Spread(slices.Select(s => s.Rate))} | {Spread(slices.Select(s => s.Cost))}");
            await silo.DisposeAsync();
        }
    }

    private static async Task<(double Rate, double Cost)> Slice(BenchSilo silo)
    {
        using var process = Process.GetCurrentProcess();
        var (before, began, made) = (process.TotalProcessorTime, Stopwatch.StartNew(), 0);
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            while (began.Elapsed < _slice)
            {
                await silo.Create($"bench.create.{Interlocked.Increment(ref _next):D8}");
                Interlocked.Increment(ref made);
            }
        }));
        process.Refresh();
        return (made / began.Elapsed.TotalSeconds, (process.TotalProcessorTime - before).TotalMicroseconds / made);
    }

    private static string Spread(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return $"{sorted[sorted.Length / 2]:F0} ({sorted[0]:F0} to {sorted[^1]:F0})";
    }

    private static async Task Execute(NpgsqlDataSource source, string text)
    {
#pragma warning disable CA2100 // The name is this program's own.
        await using var command = source.CreateCommand(text);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }
}
