using Org.BouncyCastle.Crypto.Prng;
using Org.BouncyCastle.Security;

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// Randomness for BouncyCastle, drawn where it is needed: the generators that BouncyCastle seeds itself would repeat themselves in a silo that
/// was resumed twice from one snapshot of its memory.
/// </summary>
/// <param name="random">The source.</param>
internal sealed class BouncyRandom(RandomFill random) : IRandomGenerator
{
    /// <summary>Makes a source of BouncyCastle's kind.</summary>
    public static SecureRandom Of(RandomFill random) => new(new BouncyRandom(random));

    /// <inheritdoc/>
    public void AddSeedMaterial(byte[] seed)
    {
    }

    /// <inheritdoc/>
    public void AddSeedMaterial(ReadOnlySpan<byte> seed)
    {
    }

    /// <inheritdoc/>
    public void AddSeedMaterial(long seed)
    {
    }

    /// <inheritdoc/>
    public void NextBytes(byte[] bytes) => random(bytes);

    /// <inheritdoc/>
    public void NextBytes(byte[] bytes, int start, int len) => random(bytes.AsSpan(start, len));

    /// <inheritdoc/>
    public void NextBytes(Span<byte> bytes) => random(bytes);
}
