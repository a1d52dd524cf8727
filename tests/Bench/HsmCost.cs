using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// Encryptions and cold activations a second with keys in the HSM and in software, one silo, 64 callers. The HSM is the one that
/// HSM_ADDRESS names; without it a throw-away token of SoftHSM.
/// </summary>
internal static class HsmCost
{
    private const int Callers = 64;
    private const int ColdKeys = 500;

    // SoftHSM looks for a key by going through all of them.
    private const int ColdHsmKeys = 100;
    private const int Rounds = 5;
    private static readonly TimeSpan _slice = TimeSpan.FromSeconds(1);
    private static readonly byte[] _plaintext = RandomNumberGenerator.GetBytes(1024);

    public static async Task<int> Run(string[] arguments)
    {
        if (Environment.GetEnvironmentVariable("HSM_ADDRESS") is not { } address)
        {
            return RunWithSoftHsm(arguments);
        }

        await using var silo = await BenchSilo.Start(hsm: HsmOptions.Read(address, Environment.GetEnvironmentVariable("OKMS_HSM_PIN")) with
        {
            MayCreateRoot = true,
            Timeout = TimeSpan.FromSeconds(30),
        });
        foreach (var i in Enumerable.Range(0, Callers))
        {
            await silo.Create($"soft.{i}");
            await silo.Create($"hsm.{i}", KeyProtection.Hsm);
        }

        var figures = new Dictionary<string, List<double>>();
        for (var round = -2; round < Rounds; round++)
        {
            foreach (var (name, key) in ((string, Func<int, string>)[])
                [("software, 64 keys", i => $"soft.{i}"), ("software, one key", _ => "soft.0"), ("hsm, 64 keys", i => $"hsm.{i}"), ("hsm, one key", _ => "hsm.0")])
            {
                var rate = await Rate(silo, key);
                if (round >= 0) Add(figures, $"encryptions/s, {name}", rate);
            }
        }

        Print(figures);
        figures.Clear();
        await Parallel.ForAsync(0, ColdKeys, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
        {
            await silo.Create($"cold.soft.{i}");
            if (i < ColdHsmKeys) await silo.Create($"cold.hsm.{i}", KeyProtection.Hsm);
        });

        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (kind, keys) in ((string, int)[])[("soft", ColdKeys), ("hsm", ColdHsmKeys)])
            {
                await ManyKeys.DeactivateAll(silo.Grains.GetGrain<IManagementGrain>(0));
                var calls = silo.Services.GetRequiredService<HsmToken>().Calls;
                Add(figures, $"cold activations/s, {kind}", await ColdRate(silo, $"cold.{kind}.", keys));
                Add(figures, $"calls of the HSM for {keys} of them, {kind}", silo.Services.GetRequiredService<HsmToken>().Calls - calls);
            }
        }

        Print(figures);
        return 0;
    }

    private static void Print(Dictionary<string, List<double>> figures)
    {
        foreach (var (name, values) in figures)
        {
            Console.WriteLine($"{name,-50} {GrainCost.Median(values),9:F0} ({values.Min():F0} to {values.Max():F0})");
        }
    }

    private static void Add(Dictionary<string, List<double>> figures, string name, double value)
    {
        if (!figures.TryGetValue(name, out var values)) figures.Add(name, values = []);
        values.Add(value);
    }

    private static async Task<double> Rate(BenchSilo silo, Func<int, string> key)
    {
        var started = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => Task.Run(async () =>
        {
            var grain = silo.Grains.GetGrain<IKeyGrain>(key(i));
            var count = 0;
            for (; Stopwatch.GetElapsedTime(started) < _slice; count++)
            {
                await grain.Encrypt(new(BenchSilo.Caller, _plaintext));
            }

            return count;
        })));
        return counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<double> ColdRate(BenchSilo silo, string prefix, int keys)
    {
        var started = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(0, keys, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (i, _) =>
            await silo.Grains.GetGrain<IKeyGrain>($"{prefix}{i}").Encrypt(new(BenchSilo.Caller, _plaintext)));
        return keys / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    // The module reads its settings from the environment that a process is started with, so this starts itself once more.
    private static int RunWithSoftHsm(string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("okms-bench-hsm-");
        try
        {
            var (tokens, configuration, pin) = (folder.CreateSubdirectory("tokens").FullName, Path.Combine(folder.FullName, "softhsm2.conf"), Path.Combine(folder.FullName, "pin"));
            File.WriteAllText(configuration, $"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n");
            using (var file = File.Create(pin))
            {
                // Whatever the umask is: a PIN that others can read is refused.
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                file.Write("271828"u8);
            }

            Run("softhsm2-util", ["--init-token", "--free", "--label", "bench", "--so-pin", "314159", "--pin", "271828"], configuration, "");
            var self = Environment.GetCommandLineArgs()[0];
            return Run("dotnet", [self, .. arguments], configuration,
                $"pkcs11:token=bench?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:{pin}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static int Run(string program, IEnumerable<string> arguments, string configuration, string address)
    {
        var info = new ProcessStartInfo(program, arguments);
        info.Environment["SOFTHSM2_CONF"] = configuration;
        info.Environment["HSM_ADDRESS"] = address;
        using var process = Process.Start(info)!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
