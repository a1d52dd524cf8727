using System.Diagnostics;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// Signatures a second of CPU through a key grain, beside the same library's own: one caller, slices of 200 ms in turn, medians of 20
/// slices. Run <c>openssl speed ecdsap256 ed25519 rsa2048</c> on the same core for a third figure.
/// </summary>
internal static class SignCost
{
    private const int Rounds = 20;
    private static readonly string[] _specs = ["ECC_NIST_P256", "ED25519", "RSA_2048", "ECC_NIST_P384", "ECC_SECG_P256K1", "ML_DSA_65"];
    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(200);

    public static async Task Run()
    {
        await using var silo = await BenchSilo.Start();
        var item = new SignItem(RandomNumberGenerator.GetBytes(1024));
        foreach (var spec in _specs)
        {
            var id = "bench." + spec;
            await silo.Grains.GetGrain<IKeyGrain>(id).Create(new() { Caller = BenchSilo.Caller, Spec = spec });
            var grain = silo.Grains.GetGrain<IKeySignaturesGrain>(id);
            var algorithm = KeyAlgorithms.Signatures.Single(a => a.Spec == spec);
            using var material = await algorithm.NewMaterial();
            using var version = algorithm.Open(KeyUsage.SignVerify, id, 1, material.Span).Require<ISigns>();
            var input = SignatureInput.Of(version.Schemes, item);
            var (through, library) = (new List<double>(), new List<double>());
            for (var i = 0; i < 2 * Rounds; i++)
            {
                var own = await Slice(async () => await grain.Sign(new(BenchSilo.Caller, item)));
                var plain = await Slice(async () => await version.Sign(input));
                if (i >= Rounds)
                {
                    through.Add(own);
                    library.Add(plain);
                }
            }

            var (a, b) = (GrainCost.Median(through), GrainCost.Median(library));
            Console.WriteLine($"{spec,-16} grain {1e6 / a,9:F0} a second, library {1e6 / b,9:F0}, ratio {b / a:F3}");
        }
    }

    /// <summary>Microseconds of CPU a call.</summary>
    private static async Task<double> Slice(Func<Task> call)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var until = Stopwatch.GetTimestamp() + (long)(_slice.TotalSeconds * Stopwatch.Frequency);
        long count = 0;
        while (Stopwatch.GetTimestamp() < until)
        {
            await call();
            count++;
        }

        process.Refresh();
        return (process.TotalProcessorTime - before).TotalMicroseconds / count;
    }
}
