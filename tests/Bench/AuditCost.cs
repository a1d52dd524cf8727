using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// CPU of one audit record, from the call to the signed checkpoint: formatting it, writing it before the caller goes on, hashing it
/// into the tree. One caller, and 64 that share writes; medians of ten slices of 500 ms.
/// </summary>
internal static class AuditCost
{
    private const int Rounds = 10;
    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(500);
    private static readonly Caller _caller = new("payments-service", "10.1.2.3", "0123456789abcdef0123456789abcdef");
    private static readonly JsonEncodedText _log = JsonEncodedText.Encode("20260101T000000000-00000000");

    public static async Task Run(string? directory)
    {
        var folder = Directory.CreateDirectory(Path.Combine(directory ?? Path.GetTempPath(), $"okms-audit-bench-{Environment.ProcessId}"));
        try
        {
            using var seed = SecretBytes.Random(NoteSigner.SeedLength);
            using var mac = new AssociatedDataMac(SecretBytes.Random(AssociatedDataMac.Length));
            await using var trail = AuditTrail.Open(
                new(Path.Combine(folder.FullName, "log")), new("bench", seed), new(), TimeProvider.System, NullLogger<AuditTrail>.Instance);
            var associatedData = Encoding.UTF8.GetBytes("tenant 4711, table cards");
            Console.WriteLine($"a record has {AuditRecordFormat.Members(Record(null), _log, DateTime.UtcNow, mac).Length} bytes");
            foreach (var (name, callers, data) in new[] { ("1 caller", 1, null), ("64 callers", 64, (byte[]?)null), ("64 callers, associated data", 64, associatedData) })
            {
                var figures = new List<double>();
                for (var i = 0; i < Rounds + 2; i++)
                {
                    var cost = await Slice(trail, mac, callers, data);
                    if (i >= 2) figures.Add(cost);
                }

                figures.Sort();
                Console.WriteLine($"{name,-28} {figures[Rounds / 2]:F2} us CPU a record ({figures[0]:F2} to {figures[^1]:F2})");
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static AuditRecord Record(byte[]? associatedData) => new("keys:encrypt", AuditRecord.Ok)
    {
        Caller = _caller,
        KeyId = "payments.eu.cards",
        KeyVersion = 3,
        Bytes = 1024,
        AssociatedData = associatedData ?? default(ReadOnlyMemory<byte>?),
    };

    private static async Task<double> Slice(AuditTrail trail, AssociatedDataMac mac, int callers, byte[]? associatedData)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var until = Stopwatch.GetTimestamp() + (long)(_slice.TotalSeconds * Stopwatch.Frequency);
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            long count = 0;
            for (; Stopwatch.GetTimestamp() < until; count++)
            {
                await trail.Append(AuditRecordFormat.Members(Record(associatedData), _log, DateTime.UtcNow, mac));
            }

            return count;
        })));
        await trail.SignNow();
        process.Refresh();
        return (process.TotalProcessorTime - before).TotalMicroseconds / counts.Sum();
    }
}
