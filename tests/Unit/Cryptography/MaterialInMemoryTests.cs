using System.Globalization;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// Where material is in the memory of this process: searched for, not supposed. It finds copies that neither the code nor
/// its review shows, such as those that the platform's classes make. On Linux alone, which lets a process read itself.
/// Nothing is encrypted in between: OpenSSL's ChaCha20 leaves its key in the thread's dead stack until that is overwritten,
/// and nothing here can erase it.
/// </summary>
public class MaterialInMemoryTests
{
    public static TheoryData<string> Specs => new([.. AlgorithmRegistry.Aeads.Select(r => r.Spec), .. AlgorithmRegistry.Macs.Select(r => r.Spec)]);

    [Theory]
    [MemberData(nameof(Specs))]
    public void Version_HoldsOneCopyAtMostAndLeavesNone(string spec)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        var search = Search.ForNewMaterial(algorithm, out var material);
        Assert.True(search.Count() >= 1, "the search itself");

        using var cipher = algorithm.Open(algorithm.Usages[0], "k", 1, material.Span);
        material.Dispose();

        // The platform's HMAC keeps only what it makes of the key.
        Assert.InRange(search.Count(), algorithm is AeadAlgorithm ? 1 : 0, 1);

        cipher.Dispose();
        Assert.Equal(0, search.Count());
    }

    /// <summary>Looks for 16 bytes without holding them together itself.</summary>
    private sealed class Search
    {
        private const byte Mask = 0x5a;
        private const int Length = 16;

        private readonly byte[] _begin = new byte[4];
        private readonly byte[] _masked = new byte[Length];
        private readonly byte[] _chunk = new byte[1 << 20];

        internal static Search ForNewMaterial(KeyAlgorithm algorithm, out SecretBytes material)
        {
            var search = new Search();
            material = algorithm.NewMaterial().AsTask().GetAwaiter().GetResult();
            material.Span[..search._begin.Length].CopyTo(search._begin);
            for (var i = 0; i < Length; i++)
            {
                search._masked[i] = (byte)(material.Span[i] ^ Mask);
            }

            return search;
        }

        internal int Count()
        {
            using var memory = File.OpenHandle("/proc/self/mem");
            var count = 0;
            foreach (var (start, end) in WritableRegions())
            {
                for (var at = start; at < end; at += _chunk.Length - Length + 1)
                {
                    count += CountIn(memory, at, (int)Math.Min(_chunk.Length, end - at));
                }
            }

            return count;
        }

        private int CountIn(Microsoft.Win32.SafeHandles.SafeFileHandle memory, long at, int length)
        {
            var chunk = _chunk.AsSpan(0, length);
            try
            {
                chunk = chunk[..RandomAccess.Read(memory, chunk, at)];
            }
            catch (IOException)
            {
                // The region went away, or cannot be read (a guard page).
                return 0;
            }

            var count = 0;
            for (var rest = chunk; rest.IndexOf(_begin) is var found and >= 0; rest = rest[(found + 1)..])
            {
                count += IsWhole(rest[found..]) ? 1 : 0;
            }

            // What was read must not be found again when the search comes to its own buffer.
            CryptographicOperations.ZeroMemory(_chunk);
            return count;
        }

        private bool IsWhole(ReadOnlySpan<byte> candidate)
        {
            var i = 0;
            while (i < Length && i < candidate.Length && (candidate[i] ^ Mask) == _masked[i])
            {
                i++;
            }

            return i == Length;
        }

        private static List<(long Start, long End)> WritableRegions()
        {
            var regions = new List<(long, long)>();
            foreach (var line in File.ReadLines("/proc/self/maps"))
            {
                var fields = line.Split(' ', 3);
                if (fields[1].StartsWith("rw", StringComparison.Ordinal))
                {
                    var range = fields[0].Split('-');
                    regions.Add((long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                        long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
                }
            }

            return regions;
        }
    }
}
