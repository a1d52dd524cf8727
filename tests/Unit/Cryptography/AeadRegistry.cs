using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// What each AEAD must be for ever, written down a second time: a new algorithm is one row here, and every test of the
/// contract then runs over it. <see cref="KeyAlgorithmsTests"/> holds the two tables together.
/// </summary>
internal static class AeadRegistry
{
    internal sealed record Row(string Spec, byte Id, int MaterialLength, int NonceLength, UsageLimit Limit);

    private static readonly UsageLimit _random96 = new(2147483648, 4294967296);

    internal static readonly Row[] Rows =
    [
        new("AES_256_GCM", 1, 32, 12, _random96),
        new("AES_128_GCM", 2, 16, 12, _random96),
        new("XAES_256_GCM", 3, 32, 24, UsageLimit.None),
        new("CHACHA20_POLY1305", 4, 32, 12, _random96),
    ];

    /// <summary>The specs, for a theory.</summary>
    public static TheoryData<string> Specs => new(Rows.Select(r => r.Spec));

    internal static AeadAlgorithm Algorithm(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        return Assert.IsAssignableFrom<AeadAlgorithm>(algorithm);
    }

    /// <summary>Bytes that count up from a start, so that a misplaced byte is seen.</summary>
    internal static byte[] Counting(int length, int start = 0)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)(start + i);
        }

        return bytes;
    }
}

/// <summary>Gives one nonce again and again: for vectors, and nothing else.</summary>
internal sealed class FixedNonce(byte[] fixedNonce) : NonceSource
{
    internal override void Next(Span<byte> nonce)
    {
        Assert.Equal(fixedNonce.Length, nonce.Length);
        fixedNonce.CopyTo(nonce);
    }
}
