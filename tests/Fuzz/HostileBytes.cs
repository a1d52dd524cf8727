using System.Buffers.Binary;

namespace OrleansKms.Tests.Fuzz;

/// <summary>
/// Makes hostile inputs out of genuine ones. Everything follows from the seed, which a failure names:
/// <c>OKMS_FUZZ_SEED</c> repeats a run, <c>OKMS_FUZZ_ROUNDS</c> makes it longer.
/// </summary>
internal sealed class HostileBytes(int seed)
{
    private static readonly byte[] _interesting = [0, 1, 2, 3, 4, 6, 7, 8, 12, 16, 24, 0x2e, 0x61, 0x7f, 0x80, 128, 129, 0xfe, 0xff];
    private static readonly uint[] _interestingWords = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

    private readonly Random _random = new(seed);

    internal static int Seed { get; } = Setting("OKMS_FUZZ_SEED", 20_260_117);

    internal static int Rounds { get; } = Setting("OKMS_FUZZ_ROUNDS", 40_000);

    internal int Next(int below) => _random.Next(below);

    internal byte[] Random(int most)
    {
        var bytes = new byte[_random.Next(most + 1)];
        _random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>One to four changes of a genuine input, or bytes out of nowhere.</summary>
    internal byte[] Of(IReadOnlyList<byte[]> genuine)
    {
        if (_random.Next(16) == 0)
        {
            return Random(300);
        }

        var bytes = genuine[_random.Next(genuine.Count)];
        for (var changes = 1 + _random.Next(4); changes > 0; changes--)
        {
            bytes = Change(bytes, genuine);
        }

        return bytes;
    }

    private byte[] Change(byte[] bytes, IReadOnlyList<byte[]> genuine)
    {
        var at = bytes.Length == 0 ? 0 : _random.Next(bytes.Length);
        var other = genuine[_random.Next(genuine.Count)];
        var otherAt = _random.Next(other.Length + 1);
        return _random.Next(9) switch
        {
            0 => bytes[..at],
            1 => [.. bytes, .. Random(40)],
            2 => [.. bytes.AsSpan(0, at), .. Random(8), .. bytes.AsSpan(at)],
            3 => [.. bytes.AsSpan(0, at), .. other.AsSpan(otherAt)],
            4 => [.. other.AsSpan(0, otherAt), .. bytes.AsSpan(at)],
            5 => Overwrite(bytes, at, [(byte)_random.Next(256)]),
            6 => Overwrite(bytes, at, [_interesting[_random.Next(_interesting.Length)]]),
            7 => Overwrite(bytes, _random.Next(8), [_interesting[_random.Next(_interesting.Length)]]),
            _ => Overwrite(bytes, 2, Word(_interestingWords[_random.Next(_interestingWords.Length)])),
        };
    }

    private static byte[] Overwrite(byte[] bytes, int at, ReadOnlySpan<byte> with)
    {
        if (at + with.Length > bytes.Length)
        {
            return bytes;
        }

        var copy = bytes.ToArray();
        with.CopyTo(copy.AsSpan(at));
        return copy;
    }

    private static byte[] Word(uint word)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, word);
        return bytes;
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { } text
            ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
            : otherwise;
}
